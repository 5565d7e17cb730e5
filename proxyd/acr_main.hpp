#pragma once

#include "conf/config.hpp"
#include "libudpserver/process/child_runtime.hpp"
#include "resolvers/name_snapshot.hpp"

namespace proxyd {

/// ACR: keeps the names of the snapshot resolved and publishes changes to REG and the parent. Returns its
/// exit status.
int acr_main(process::ChildRuntime& runtime, const conf::Config& config, resolvers::NameSnapshot snapshot);

}  // namespace proxyd
