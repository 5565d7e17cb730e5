#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "libudpserver/session/record.hpp"
#include "libudpserver/session/session_key.hpp"

namespace session {

/// Maps a key to the slot of its record (O-18, O-19): open addressing with linear probing over {tag, slot},
/// at most a quarter full. The keys themselves are in the records, which must not change while they are in
/// here.
class SessionTable {
public:
    /// `records` is what slots point into, `wildcard[listener]` tells which listeners need the local address
    /// in the key, `capacity` is the largest number of sessions at a time. Allocates all its memory here.
    SessionTable(std::span<const Record> records, std::vector<bool> wildcard, std::size_t capacity,
                 KeyHash hash = KeyHash());

    /// The slot of this key, or `none`.
    [[nodiscard]] Slot find(const SessionKey& key) const;

    /// The key must not be in the table and the slot's record must already hold it. More than `capacity`
    /// entries are a bug of the caller: std::logic_error.
    void insert(const SessionKey& key, Slot slot);

    /// False, and nothing changes, when this key with this slot is not there (O-38).
    bool erase(const SessionKey& key, Slot slot);

    /// The key of a record as this table knows it.
    [[nodiscard]] SessionKey key_of(const Record& record) const;

    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::size_t buckets() const { return buckets_.size(); }
    /// Buckets that the longest look-up reads. Walks the whole table: for tests only.
    [[nodiscard]] std::size_t max_probe() const;

private:
    /// The low bits of the tag are the home bucket, so entries move without their key being hashed again.
    struct Bucket {
        std::uint32_t tag = 0;
        Slot slot = none;
    };

    [[nodiscard]] std::uint32_t tag_of(const SessionKey& key) const {
        return static_cast<std::uint32_t>(hash_(key));
    }
    [[nodiscard]] std::size_t distance(std::size_t bucket) const;

    std::span<const Record> records_;
    std::vector<bool> wildcard_;
    std::size_t capacity_;
    KeyHash hash_;
    std::vector<Bucket> buckets_;
    std::size_t mask_;
    std::size_t size_ = 0;
};

}  // namespace session
