#include "proxyctl/bind_check.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/unique_fd.hpp"

namespace proxyctl {

namespace {

/// Of the same port.
bool overlap(const base::Endpoint& a, const base::Endpoint& b) {
    return a.family == b.family &&
           (a.address() == b.address() || a.address().is_any() || b.address().is_any());
}

/// The errno of a bind, which is undone at once; 0 if it worked.
int bind_error(const base::Endpoint& endpoint) {
    const bool v6 = endpoint.family == base::Family::v6;
    const base::UniqueFd socket(::socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    if (socket && v6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    sockaddr_storage address{};
    const socklen_t size = base::to_sockaddr(endpoint, address);
    return socket && ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0 ? 0 : errno;
}

}  // namespace

std::string bind_problem(const std::vector<conf::ListenOn>& wanted, std::vector<base::Endpoint> own) {
    std::ranges::sort(own, {}, &base::Endpoint::port);
    for (const conf::ListenOn& listener : wanted) {
        for (unsigned port = listener.port.first; port <= listener.port.last; ++port) {
            const base::Endpoint endpoint(listener.address, static_cast<std::uint16_t>(port));
            const auto same_port = std::ranges::equal_range(own, endpoint.port, {}, &base::Endpoint::port);
            if (std::ranges::any_of(same_port, [&](const auto& one) { return overlap(one, endpoint); }))
                continue;
            const int error = bind_error(endpoint);
            // Other errors, of permission for example, need not be the proxy's.
            if (error != EADDRNOTAVAIL && error != EADDRINUSE) continue;
            return base::to_string(endpoint) + ": " + std::strerror(error);
        }
    }
    return {};
}

}  // namespace proxyctl
