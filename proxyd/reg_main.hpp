#pragma once

#include "libudpserver/process/child_runtime.hpp"
#include "proxyd/resources.hpp"

namespace proxyd {

/// REG: takes the sessions over and forwards until it is told to stop. Returns its exit status.
int reg_main(process::ChildRuntime& runtime, const conf::Config& config, Resources& resources);

}  // namespace proxyd
