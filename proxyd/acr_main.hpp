#pragma once

#include "conf/config.hpp"
#include "libudpserver/process/child_runtime.hpp"
#include "resolvers/known_names.hpp"

namespace proxyd {

/// ACR: keeps the configuration's names resolved and tells REG what they mean, and the parent, which gives it
/// to the next ACR as `known`. Returns its exit status.
int acr_main(process::ChildRuntime& runtime, const conf::Config& config, resolvers::KnownNames known);

}  // namespace proxyd
