#pragma once

#include "conf/config.hpp"
#include "libudpserver/process/child_runtime.hpp"

namespace proxyd {

/// APR: resolves names on demand for REG. Returns its exit status.
int apr_main(process::ChildRuntime& runtime, const conf::Config& config);

}  // namespace proxyd
