#pragma once

#include "libudpserver/session/proxy.hpp"

namespace proxies {

/// For tests: the client says in its first datagram whom it wants, `NAME:PORT` up to the first blank, and is
/// then connected with that host. Shows how a proxy waits for a name.
class NamedProxy : public session::Proxy {
public:
    std::unique_ptr<session::SessionHandler> open(session::SessionContext& session) override;
    [[nodiscard]] bool chooses_servers() const override { return true; }
};

}  // namespace proxies
