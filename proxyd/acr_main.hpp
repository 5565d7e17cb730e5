#pragma once

#include "conf/config.hpp"
#include "libudpserver/process/child_runtime.hpp"

namespace proxyd {

/// ACR: keeps the configuration's names resolved and tells REG what they mean. Returns its exit status.
int acr_main(process::ChildRuntime& runtime, const conf::Config& config);

}  // namespace proxyd
