#pragma once

#include "libudpserver/session/proxy.hpp"

namespace proxies {

/// The plain proxy: every datagram that policy and limits let through is forwarded as it is. It is also the
/// place to look at when you write your own: return a SessionHandler from open(), and it sees each datagram
/// of its session.
class UdpProxy : public session::Proxy {
public:
    std::unique_ptr<session::SessionHandler> open(session::SessionContext&) override { return nullptr; }
};

}  // namespace proxies
