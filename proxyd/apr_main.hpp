#pragma once

#include "conf/config.hpp"
#include "libudpserver/process/child_runtime.hpp"

namespace proxyd {

/// APR: looks up what REG asks for while it forwards. Returns its exit status.
int apr_main(process::ChildRuntime& runtime, const conf::Config& config);

}  // namespace proxyd
