#pragma once

#include <cstdint>

#include "base/endpoint.hpp"
#include "base/siphash.hpp"
#include "libudpserver/session/record.hpp"

namespace session {

/// What makes two datagrams belong to one session (K-31): the listener and the client's address and port, and
/// on a wildcard listener the local address too, because replies must leave from it (K-44).
struct SessionKey {
    base::Endpoint client;
    base::Address local;  ///< Family::none unless the listener is a wildcard
    std::uint16_t listener = 0;

    static SessionKey of(const Record& record, bool wildcard);
    bool operator==(const SessionKey&) const = default;
};

/// SipHash-1-3 of a key. Its own 128-bit key is random for each start, so that a client cannot choose
/// addresses that fall into one chain (O-18).
class KeyHash {
public:
    /// With a key from the kernel; throws std::system_error when it gives none.
    KeyHash() : key_(base::random_key()) {}
    explicit KeyHash(const base::SipKey& key) : key_(key) {}

    std::uint64_t operator()(const SessionKey& key) const;

private:
    base::SipKey key_;
};

}  // namespace session
