#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace base {

enum class Family : std::uint8_t { none = 0, v4 = 4, v6 = 6 };

/// An IPv4 or IPv6 address. Plain data: it is in shared memory and in hash keys, so every byte has a value.
/// IPv4 uses the first four bytes; a v4-mapped IPv6 address is always normalised to IPv4 (L-13).
struct Address {
    std::array<std::uint8_t, 16> bytes{};
    std::uint32_t scope = 0;  ///< interface index of an IPv6 link-local address, otherwise 0
    Family family = Family::none;
    std::array<std::uint8_t, 3> zero{};

    static Address any(Family family);
    [[nodiscard]] bool is_any() const;
    auto operator<=>(const Address&) const = default;
};

/// Address and port; 24 bytes of plain data.
struct Endpoint {
    std::array<std::uint8_t, 16> bytes{};
    std::uint32_t scope = 0;
    std::uint16_t port = 0;  ///< host byte order
    Family family = Family::none;
    std::uint8_t zero = 0;

    Endpoint() = default;
    Endpoint(const Address& address, std::uint16_t port);
    [[nodiscard]] Address address() const;
    auto operator<=>(const Endpoint&) const = default;
};
static_assert(sizeof(Endpoint) == 24);

/// `192.0.2.1`, `2001:db8::1`, `fe80::1%eth0`.
std::string to_string(const Address& address);
/// `192.0.2.1:53`, `[2001:db8::1]:53`.
std::string to_string(const Endpoint& endpoint);
/// `192.0.2.1, 192.0.2.2`; `no addresses` if there are none.
std::string to_string(const std::vector<Address>& addresses);

/// The inverse of to_string; no names are looked up; nothing for anything else.
std::optional<Address> parse_address(std::string_view text);
std::optional<Endpoint> parse_endpoint(std::string_view text);

/// Whether the address is unique only together with an interface: IPv6 link-local unicast and multicast.
bool needs_scope(const Address& address);

/// What `::1:53` was probably meant to be: the text is an IPv6 address, but its last group may be a port
/// whose address has no brackets. Nothing for anything else.
std::optional<Endpoint> unbracketed_endpoint(std::string_view text);

/// Conversions at the edge to the kernel. from_sockaddr gives Family::none for an address it does not know
/// (L-21).
socklen_t to_sockaddr(const Endpoint& endpoint, sockaddr_storage& out);
Endpoint from_sockaddr(const sockaddr_storage& address, socklen_t length);

/// The address with all but its first `prefix` bits cleared (scope cleared too).
Address network_of(const Address& address, unsigned prefix);

}  // namespace base
