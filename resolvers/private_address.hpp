#pragma once

#include "libudpserver/base/endpoint.hpp"

namespace resolvers {

/// An address that means another host in each network, or the host itself, so that a public name has no
/// business there: this network, loopback, RFC 1918, shared (RFC 6598), link-local, unique local and
/// site-local; also such an IPv4 address inside of an IPv6 one (NAT64).
[[nodiscard]] bool is_private(const base::Address& address);

}  // namespace resolvers
