#pragma once

#include <cstddef>
#include <vector>

#include "base/clock.hpp"
#include "libudpserver/session/source_prefix.hpp"

namespace session {

/// Source addresses (IPv4: /32, IPv6: /64) that had a confirmed session within the last hour: they receive
/// what is sent to them, so they are not forged. A table of a fixed size; of the places that an address can
/// have, the one that was confirmed longest ago is replaced.
class ConfirmedSources {
public:
    explicit ConfirmedSources(std::size_t entries);

    void add(const base::Address& source, base::Instant now);
    /// No source was ever added.
    [[nodiscard]] bool empty() const { return empty_; }
    [[nodiscard]] bool contains(const base::Address& source, base::Instant now) const;

private:
    struct Entry {
        SourcePrefix source;
        base::Instant confirmed{};
    };
    static constexpr std::size_t ways = 8;

    [[nodiscard]] std::size_t set_of(const SourcePrefix& source) const;

    base::SipKey key_ = base::random_key();
    std::vector<Entry> entries_;
    bool empty_ = true;
};

}  // namespace session
