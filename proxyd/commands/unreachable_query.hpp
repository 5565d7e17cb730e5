#pragma once

#include "libudpserver/session/server.hpp"
#include "proxyd/commands/queries.hpp"

namespace proxyd {

/// The command `unreachable` of REG: the servers that are skipped because they cannot be connected.
void add_unreachable(Queries& queries, session::Server& server);

}  // namespace proxyd
