#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/endpoint.hpp"
#include "resolvers/dns_question.hpp"
#include "resolvers/settings.hpp"

namespace resolvers {

/// Bounds on what one answer may contain; more is malformed.
constexpr std::size_t max_udp_answer = 4096, max_tcp_answer = 65535;
constexpr std::size_t max_aliases = 8;          ///< CNAMEs in a row
constexpr std::size_t max_answer_results = 32;  ///< addresses, or names of an address
constexpr std::size_t max_answer_records = 256;

/// A raw answer, judged and read.
struct DnsAnswer {
    enum Verdict {
        ok,
        no_such_name,
        no_data,
        server_failure,  ///< SERVFAIL, REFUSED, a referral, ...: another server may know
        truncated,       ///< ask again by TCP; nothing in it is used
        not_ours,        ///< wrong id, question, letter case, or no answer at all: perhaps forged
        malformed,       ///< ours as far as one can tell, and cannot be used
    };

    Verdict verdict = malformed;
    std::string_view why;  ///< for everything but ok
    std::vector<base::Address> addresses;
    std::vector<std::string> names;  ///< canonical; odd ones are left out
    base::Duration ttl{};            ///< the least of the chain, clamped; of a denial from its SOA
};

/// Reads a message from the network that is claimed to answer the question. Believed are only records of the
/// question's type at the end of the chain of aliases that begins at its name; all others are passed over. A
/// TTL over 2^31 counts as 0 (RFC 2181). Never throws, never looks outside `message`.
DnsAnswer read_answer(std::span<const std::uint8_t> message, const DnsQuestion& question,
                      const TtlBounds& bounds);

/// The first two steps of read_answer: could this be meant for the question at all?
[[nodiscard]] bool answers(std::span<const std::uint8_t> message, const DnsQuestion& question);

}  // namespace resolvers
