#pragma once

#include <memory>
#include <string>

#include "conf/config.hpp"
#include "libudpserver/net/shared_side.hpp"

namespace proxyd {

/// The server side of a new proxy.
struct ServerSideChoice {
    std::unique_ptr<net::SharedSide> shared;  ///< null: each session has a socket of its own
    std::string why_own;                      ///< why it is not shared, with server-side: auto
};

/// Chooses as the configuration says. Throws what net::SharedSide does, unless it says auto.
ServerSideChoice choose_server_side(const conf::Config& config);

}  // namespace proxyd
