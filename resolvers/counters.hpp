#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "resolvers/resolver.hpp"

namespace resolvers {

/// What a resolver did since its start, for INFO.
struct Counters {
    std::uint64_t asked = 0;     ///< questions of others
    std::uint64_t literals = 0;  ///< answered: an address
    std::uint64_t hosts = 0;     ///< answered from the hosts file
    std::uint64_t cached = 0;    ///< answered from the cache
    std::uint64_t joined = 0;    ///< waited for a look-up that was under way (K-59)
    std::uint64_t lookups = 0;   ///< look-ups begun
    std::uint64_t sent_udp = 0;  ///< questions to servers
    std::uint64_t sent_tcp = 0;
    std::uint64_t not_ours = 0;   ///< answers dropped: wrong id, question, letter case (K-61)
    std::uint64_t malformed = 0;  ///< answers dropped: cannot be used
    std::uint64_t truncated = 0;
    std::uint64_t silent = 0;       ///< a server did not answer in time
    std::uint64_t unreachable = 0;  ///< a server cannot be reached, or closes the connection
    std::array<std::uint64_t, base::lookup_statuses> outcomes{};  ///< of all questions, by Answer::Status

    /// `asked 12, ...: ok 10, timed out 2`; of the outcomes only those that happened.
    [[nodiscard]] std::string text() const;
};

}  // namespace resolvers
