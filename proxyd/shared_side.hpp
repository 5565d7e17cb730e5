#pragma once

#include <memory>
#include <string>
#include <vector>

#include "conf/config.hpp"
#include "libudpserver/net/shared_side.hpp"
#include "libudpserver/sandbox/descriptor_guard.hpp"

namespace proxyd {

/// The server side of a new proxy.
struct ServerSideChoice {
    std::unique_ptr<net::SharedSide> shared;  ///< null: each session has a socket of its own
    std::string why_own;                      ///< why it is not shared, with server-side: auto
};

/// Chooses as the configuration says. Throws what net::SharedSide does, unless it says auto.
ServerSideChoice choose_server_side(const conf::Config& config);

/// Tells the program of the kernel the machine's addresses; a failure is logged.
void set_addresses(net::SharedSide& side);
/// Throws std::runtime_error if a running proxy with these groups cannot change to this configuration: the
/// ports are divided among the groups at the start, and sessions have them.
void check_change(const net::SharedSide& side, const std::vector<net::PoolGroup>& groups,
                  const conf::Config& config);
/// The sockets with which REG may do one thing only.
sandbox::GuardedSockets guarded_sockets(const net::SharedSide& side);
/// `, 3 datagrams of strangers`: what ended in the kernel; empty if nothing did.
std::string losses_of(const net::SharedSide& side);

}  // namespace proxyd
