#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/endpoint.hpp"

namespace resolvers {

/// An address that is another host in each network, or the host itself, to which a public name must not
/// resolve: this network, loopback, RFC 1918, shared (RFC 6598), link-local, unique local and site-local, a
/// network's own NAT64 (RFC 8215); also such an IPv4 address inside an IPv6 one (NAT64, 6to4).
[[nodiscard]] bool is_private(const base::Address& address);

/// The name is one of these domains, or below one. All canonical.
[[nodiscard]] bool in_any_domain(std::string_view name, const std::vector<std::string>& domains);

}  // namespace resolvers
