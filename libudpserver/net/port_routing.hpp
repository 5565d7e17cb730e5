#pragma once

#include <string>

namespace net {

/// Which rule of this machine routes, or which IPsec policy treats, datagrams by their ports or protocol: raw
/// sends do not meet it. Empty if there is none; also a text if the kernel does not say.
std::string port_routing();

}  // namespace net
