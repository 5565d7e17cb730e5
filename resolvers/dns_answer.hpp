#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/endpoint.hpp"
#include "conf/config.hpp"
#include "resolvers/dns_question.hpp"

namespace resolvers {

/// Bounds on what one answer may contain; more is malformed.
constexpr std::size_t max_udp_answer = 4096, max_tcp_answer = 65535;
constexpr std::size_t max_aliases = 16;         ///< CNAMEs in a row, as common resolvers allow
constexpr std::size_t max_answer_results = 32;  ///< addresses, or names of an address
constexpr std::size_t max_answer_records = 256;

/// What a message from a name server says.
struct DnsAnswer {
    enum Verdict {
        ok,
        no_such_name,
        no_data,
        server_failure,  ///< SERVFAIL, REFUSED, a referral, ...: another server may know
        truncated,       ///< ask again by TCP; nothing in it is used
        not_ours,        ///< wrong id, question, letter case, or not an answer: perhaps forged
        malformed,       ///< matches the question and cannot be used
    };

    Verdict verdict = malformed;
    std::string_view why;  ///< for everything but ok
    unsigned rcode = 0;    ///< unless not_ours
    std::vector<base::Address> addresses;
    std::vector<std::string> names;  ///< canonical; those that are not host names are left out
    base::Duration ttl{};            ///< the shortest of the chain, clamped; of a denial from its SOA
};

/// Reads an untrusted message. Only records of the question's type at the end of the chain of aliases that
/// begins at its name are used; all others are ignored. TTLs are clamped to the settings' ranges; one over
/// 2^31 counts as 0 (RFC 2181). Never throws, never reads outside `message`.
DnsAnswer read_answer(std::span<const std::uint8_t> message, const DnsQuestion& question,
                      const conf::Resolver& settings);

/// The first step of read_answer: the message repeats the id and the question.
[[nodiscard]] bool answers(std::span<const std::uint8_t> message, const DnsQuestion& question);

}  // namespace resolvers
