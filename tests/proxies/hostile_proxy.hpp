#pragma once

#include "libudpserver/session/proxy.hpp"

namespace proxies {

/// For tests: REG as it would be if an attacker had taken it over. A datagram `!WORD` makes it try an attack,
/// and the client gets the result, unless the attempt kills REG. All other datagrams are forwarded.
class HostileProxy : public session::Proxy {
public:
    std::unique_ptr<session::SessionHandler> open(session::SessionContext& session) override;
};

}  // namespace proxies
