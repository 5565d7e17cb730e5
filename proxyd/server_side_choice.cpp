#include "proxyd/server_side_choice.hpp"

#include <stdexcept>

#include "libudpserver/net/port_routing.hpp"

namespace proxyd {

namespace {

using conf::ServerSide;

std::unique_ptr<net::SharedSide> make_shared_side(const conf::Config& config) {
    auto side =
        std::make_unique<net::SharedSide>(net::pool_groups(config), config.udpserver.server_ports,
                                          net::SourcePorts(config.listen_on), config.udpserver.workers);
    // An administrator who routes or blocks by ports would not expect that our datagrams pass.
    if (const std::string routing = net::port_routing(); !routing.empty())
        throw std::runtime_error(
            "server-side: shared: " + routing +
            ", and datagrams of a shared socket would not meet it: use server-side: own");
    return side;
}

}  // namespace

ServerSideChoice choose_server_side(const conf::Config& config) {
    const ServerSide wanted = config.udpserver.server_side;
    if (wanted == ServerSide::own) return {};
    if (wanted == ServerSide::shared) return {make_shared_side(config), {}};
    if (config.sandbox == conf::Sandbox::off && !config.singleproc) return {nullptr, "the sandbox is off"};
    try {
        return {make_shared_side(config), {}};
    } catch (const std::exception& error) {
        return {nullptr, error.what()};
    }
}

}  // namespace proxyd
