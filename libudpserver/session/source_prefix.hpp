#pragma once

#include <cstdint>

#include "base/endpoint.hpp"
#include "base/siphash.hpp"

namespace session {

/// What a limit per source counts: the first bits of an address. The rest, like the port, costs an attacker
/// nothing.
struct SourcePrefix {
    std::uint64_t bits = 0;
    std::uint32_t scope = 0;  ///< interface index of link-local addresses, otherwise 0
    base::Family family = base::Family::none;

    bool operator==(const SourcePrefix&) const = default;
    [[nodiscard]] std::uint64_t hash(const base::SipKey& key) const;
};

/// At most 64 bits. All neighbours on a link have the prefix fe80::/64: of a link-local address the interface
/// identifier counts instead if a /64 is asked for.
[[nodiscard]] SourcePrefix source_prefix(const base::Address& address, unsigned v4_prefix = 32,
                                         unsigned v6_prefix = 64);

struct SourcePrefixHash {
    base::SipKey key = base::random_key();
    std::size_t operator()(const SourcePrefix& source) const { return source.hash(key); }
};

}  // namespace session
