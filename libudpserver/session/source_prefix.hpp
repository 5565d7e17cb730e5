#pragma once

#include <cstdint>

#include "base/endpoint.hpp"
#include "base/siphash.hpp"

namespace session {

/// What a limit per source counts: the first bits of an address. The rest, like the port, costs an attacker
/// nothing.
struct SourcePrefix {
    std::uint64_t bits = 0;
    base::Family family = base::Family::none;

    bool operator==(const SourcePrefix&) const = default;
    [[nodiscard]] std::uint64_t hash(const base::SipKey& key) const;
};

/// At most 64 bits.
[[nodiscard]] SourcePrefix source_prefix(const base::Address& address, unsigned v4_prefix = 32,
                                         unsigned v6_prefix = 64);

struct SourcePrefixHash {
    base::SipKey key = base::random_key();
    std::size_t operator()(const SourcePrefix& source) const { return source.hash(key); }
};

}  // namespace session
