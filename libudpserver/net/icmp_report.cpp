#include "libudpserver/net/icmp_report.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace net {

namespace {

using Bytes = std::span<const std::byte>;

constexpr std::size_t icmp_header = 8;

unsigned octet(Bytes bytes, std::size_t at) {
    return std::to_integer<unsigned>(bytes[at]);
}

unsigned word(Bytes bytes, std::size_t at) {
    return octet(bytes, at) << 8 | octet(bytes, at + 1);
}

base::Endpoint endpoint(base::Family family, Bytes address, unsigned port) {
    base::Endpoint result;
    result.family = family;
    std::ranges::transform(address, result.bytes.begin(),
                           [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
    result.port = static_cast<std::uint16_t>(port);
    return result;
}

/// Of destination unreachable (RFC 792, RFC 1812). A datagram that is too big has another message, and the
/// kernel learns from it.
int error_of_v4(unsigned type, unsigned code) {
    constexpr unsigned unreachable = 3, time_exceeded = 11, parameter_problem = 12;
    constexpr std::array errors{ENETUNREACH,  EHOSTUNREACH, ENOPROTOOPT,  ECONNREFUSED,
                                EMSGSIZE,     EOPNOTSUPP,   ENETUNREACH,  EHOSTDOWN,
                                ENONET,       ENETUNREACH,  EHOSTUNREACH, ENETUNREACH,
                                EHOSTUNREACH, EHOSTUNREACH, EHOSTUNREACH, EHOSTUNREACH};
    if (type == time_exceeded) return EHOSTUNREACH;
    if (type == parameter_problem) return EPROTO;
    if (type != unreachable || code >= errors.size() || errors[code] == EMSGSIZE) return 0;
    return errors[code];
}

/// The same of RFC 4443.
int error_of_v6(unsigned type, unsigned code) {
    constexpr unsigned unreachable = 1, time_exceeded = 3, parameter_problem = 4;
    constexpr std::array errors{ENETUNREACH,  EACCES, EHOSTUNREACH, EHOSTUNREACH,
                                ECONNREFUSED, EACCES, EACCES};
    if (type == time_exceeded) return EHOSTUNREACH;
    if (type == parameter_problem) return EPROTO;
    return type == unreachable && code < errors.size() ? errors[code] : 0;
}

/// Of which the kernel tells the socket.
bool quotes_v4(unsigned type) {
    constexpr unsigned unreachable = 3, source_quench = 4, redirect = 5, time_exceeded = 11,
                       parameter_problem = 12;
    return type == unreachable || type == source_quench || type == redirect || type == time_exceeded ||
           type == parameter_problem;
}

bool quotes_v6(unsigned type) {
    constexpr unsigned last_error = 127;
    return type <= last_error;
}

/// RFC 1071: the sum of a message with its checksum is all ones. One that fills the buffer may be cut.
bool is_delivered_v4(Bytes message, std::size_t header) {
    constexpr unsigned unreachable = 3, last_code = 15, too_big = 4;  // of the last the kernel ignores some
    constexpr std::size_t ip_and_udp = 28, longest = 575;
    const Bytes icmp = message.subspan(header);
    if (message.size() > longest || icmp.size() < icmp_header + ip_and_udp) return false;
    if (octet(icmp, 0) != unreachable || octet(icmp, 1) > last_code || octet(icmp, 1) == too_big)
        return false;
    std::uint32_t sum = 0;
    for (std::size_t at = 0; at < icmp.size(); at += 2)
        sum += octet(icmp, at) << 8 | (at + 1 < icmp.size() ? octet(icmp, at + 1) : 0);
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum == 0xffff;
}

std::optional<IcmpReport> read_v4(Bytes message) {
    constexpr std::size_t least = 20;
    if (message.size() < least) return std::nullopt;
    const std::size_t header = (octet(message, 0) & 0xf) * std::size_t{4};
    if (header < least || message.size() < header + icmp_header + least) return std::nullopt;
    const unsigned type = octet(message, header);
    const int error = error_of_v4(type, octet(message, header + 1));
    const Bytes quoted = message.subspan(header + icmp_header);
    const std::size_t quoted_header = (octet(quoted, 0) & 0xf) * std::size_t{4};
    const bool is_first = (word(quoted, 6) & 0x1fff) == 0;  // fragments after the first have no ports
    if (!quotes_v4(type) || octet(quoted, 0) >> 4 != 4 || quoted_header < least || !is_first ||
        octet(quoted, 9) != IPPROTO_UDP || quoted.size() < quoted_header + 4)
        return std::nullopt;
    return IcmpReport{
        .source = endpoint(base::Family::v4, quoted.subspan(12, 4), word(quoted, quoted_header)),
        .server = endpoint(base::Family::v4, quoted.subspan(16, 4), word(quoted, quoted_header + 2)),
        .error = error,
        .is_delivered = is_delivered_v4(message, header)};
}

/// A quoted datagram with extension headers is left out: ours have none but for fragments.
std::optional<IcmpReport> read_v6(Bytes message) {
    constexpr std::size_t header = 40, fragment_header = 8;
    if (message.size() < icmp_header + header + 4) return std::nullopt;
    const int error = error_of_v6(octet(message, 0), octet(message, 1));
    const Bytes quoted = message.subspan(icmp_header);
    if (!quotes_v6(octet(message, 0)) || octet(quoted, 0) >> 4 != 6) return std::nullopt;
    std::size_t ports = header;
    unsigned next = octet(quoted, 6);
    if (next == IPPROTO_FRAGMENT && quoted.size() >= header + fragment_header + 4 &&
        word(quoted, header + 2) >> 3 == 0) {
        next = octet(quoted, header);
        ports += fragment_header;
    }
    if (next != IPPROTO_UDP) return std::nullopt;
    return IcmpReport{.source = endpoint(base::Family::v6, quoted.subspan(8, 16), word(quoted, ports)),
                      .server = endpoint(base::Family::v6, quoted.subspan(24, 16), word(quoted, ports + 2)),
                      .error = error};
}

}  // namespace

std::optional<IcmpReport> read_icmp(base::Family family, Bytes message) {
    return family == base::Family::v4 ? read_v4(message) : read_v6(message);
}

}  // namespace net
