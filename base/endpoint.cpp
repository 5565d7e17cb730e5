#include "base/endpoint.hpp"

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/local_addresses.hpp"

namespace base {
namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::size_t length_of(Family family) {
    return family == Family::v4 ? 4 : family == Family::v6 ? 16 : 0;
}

Address from_v4(const void* bytes) {
    Address address;
    address.family = Family::v4;
    std::memcpy(address.bytes.data(), bytes, 4);
    return address;
}

// One address has one form, so that keys compare: mapped IPv4 becomes IPv4, a meaningless scope is dropped.
Address from_v6(const void* bytes, std::uint32_t scope) {
    const auto* octets = static_cast<const std::uint8_t*>(bytes);
    if (std::equal(mapped_prefix.begin(), mapped_prefix.end(), octets)) return from_v4(octets + 12);
    Address address;
    address.family = Family::v6;
    std::memcpy(address.bytes.data(), octets, 16);
    if (needs_scope(address)) address.scope = scope;
    return address;
}

// Decimal digits only: no sign, no blank, no leading zero.
template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
    Number value{};
    const auto* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (text.empty() || error != std::errc{} || stop != end) return std::nullopt;
    if (text.size() > 1 && text.front() == '0') return std::nullopt;
    return value;
}

std::string scope_name(std::uint32_t scope) {
    const std::string name = interface_name(scope);
    return name.empty() ? std::to_string(scope) : name;
}

std::optional<std::uint32_t> parse_scope(std::string_view text) {
    if (text.empty() || text.size() >= IF_NAMESIZE) return std::nullopt;
    if (const auto index = interface_index(std::string(text))) return index;
    const auto number = parse_number<std::uint32_t>(text);
    return number && *number != 0 ? number : std::nullopt;
}

}  // namespace

Address Address::any(Family family) {
    Address address;
    address.family = family;
    return address;
}

// fe80::/10, and multicast that stays on its link or interface.
bool needs_scope(const Address& address) {
    const auto first = address.bytes[0], second = address.bytes[1];
    return address.family == Family::v6 &&
           ((first == 0xfe && (second & 0xc0) == 0x80) ||
            (first == 0xff && ((second & 0x0f) == 1 || (second & 0x0f) == 2)));
}

bool Address::is_any() const {
    return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

Endpoint::Endpoint(const Address& address, std::uint16_t port_)
    : bytes(address.bytes), scope(address.scope), port(port_), family(address.family) {}

Address Endpoint::address() const {
    Address address;
    address.bytes = bytes;
    address.scope = scope;
    address.family = family;
    return address;
}

std::string to_string(const Address& address) {
    if (address.family == Family::none) return "none";
    char text[INET6_ADDRSTRLEN];
    ::inet_ntop(address.family == Family::v4 ? AF_INET : AF_INET6, address.bytes.data(), text, sizeof text);
    return address.scope == 0 ? std::string(text) : std::string(text) + '%' + scope_name(address.scope);
}

std::string to_string(const Endpoint& endpoint) {
    const auto address = to_string(endpoint.address());
    switch (endpoint.family) {
        case Family::none:
            return address;
        case Family::v4:
            return address + ':' + std::to_string(endpoint.port);
        case Family::v6:
            break;
    }
    return '[' + address + "]:" + std::to_string(endpoint.port);
}

std::string to_string(const std::vector<Address>& addresses) {
    if (addresses.empty()) return "no addresses";
    std::string text;
    for (const Address& address : addresses)
        text += (text.empty() ? "" : ", ") + to_string(address);
    return text;
}

std::optional<Address> parse_address(std::string_view text) {
    // inet_pton would stop at a NUL and take what is before it for the whole.
    if (text.size() > INET6_ADDRSTRLEN + IF_NAMESIZE || text.find('\0') != text.npos) return std::nullopt;
    const auto percent = text.find('%');
    const std::string literal(text.substr(0, percent));
    std::uint8_t bytes[16];
    if (percent == text.npos && ::inet_pton(AF_INET, literal.c_str(), bytes) == 1) return from_v4(bytes);
    if (::inet_pton(AF_INET6, literal.c_str(), bytes) != 1) return std::nullopt;
    if (percent == text.npos) return from_v6(bytes, 0);

    const auto scope = parse_scope(text.substr(percent + 1));
    if (!scope) return std::nullopt;
    const auto address = from_v6(bytes, *scope);
    return address.scope != 0 ? std::optional(address) : std::nullopt;
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == text.npos) return std::nullopt;
    auto host = text.substr(0, colon);
    const bool brackets = host.size() >= 2 && host.front() == '[' && host.back() == ']';
    if (brackets) host = host.substr(1, host.size() - 2);
    // Without brackets the last group of an IPv6 address would be ambiguous with the port.
    if (brackets != (host.find(':') != host.npos)) return std::nullopt;

    const auto address = parse_address(host);
    const auto port = parse_number<std::uint16_t>(text.substr(colon + 1));
    if (!address || !port) return std::nullopt;
    return Endpoint(*address, *port);
}

std::optional<Endpoint> unbracketed_endpoint(std::string_view text) {
    const auto address = parse_address(text);
    const auto colon = text.rfind(':');
    if (!address || address->family != Family::v6 || colon == text.npos) return std::nullopt;
    const auto host = parse_address(text.substr(0, colon));
    const auto port = parse_number<std::uint16_t>(text.substr(colon + 1));
    if (!host || host->family != Family::v6 || !port || *port == 0) return std::nullopt;
    return Endpoint(*host, *port);
}

socklen_t to_sockaddr(const Endpoint& endpoint, sockaddr_storage& out) {
    out = {};
    if (endpoint.family == Family::v4) {
        auto& v4 = reinterpret_cast<sockaddr_in&>(out);
        v4.sin_family = AF_INET;
        v4.sin_port = htons(endpoint.port);
        std::memcpy(&v4.sin_addr, endpoint.bytes.data(), 4);
        return sizeof v4;
    }
    if (endpoint.family == Family::v6) {
        auto& v6 = reinterpret_cast<sockaddr_in6&>(out);
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(endpoint.port);
        v6.sin6_scope_id = endpoint.scope;
        std::memcpy(&v6.sin6_addr, endpoint.bytes.data(), 16);
        return sizeof v6;
    }
    return 0;
}

Endpoint from_sockaddr(const sockaddr_storage& address, socklen_t length) {
    if (length >= sizeof(sockaddr_in) && address.ss_family == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
        return {from_v4(&v4.sin_addr), ntohs(v4.sin_port)};
    }
    if (length >= sizeof(sockaddr_in6) && address.ss_family == AF_INET6) {
        const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
        return {from_v6(&v6.sin6_addr, v6.sin6_scope_id), ntohs(v6.sin6_port)};
    }
    return {};
}

Address network_of(const Address& address, unsigned prefix) {
    Address network = address;
    network.scope = 0;
    for (std::size_t i = 0; i < length_of(address.family); ++i) {
        const unsigned bits = prefix > i * 8 ? std::min(prefix - static_cast<unsigned>(i) * 8, 8u) : 0;
        network.bytes[i] = static_cast<std::uint8_t>(network.bytes[i] & (0xff00u >> bits));
    }
    return network;
}

}  // namespace base
