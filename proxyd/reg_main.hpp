#pragma once

#include "libudpserver/process/child_runtime.hpp"
#include "proxyd/kept_state.hpp"

namespace proxyd {

/// REG: adopts the sessions and forwards datagrams until it is stopped. With `draining` it opens no session.
/// Returns its exit status.
int reg_main(process::ChildRuntime& runtime, const conf::Config& config, KeptState& kept, bool draining);

/// Records the sessions that the last REG could not record itself, for example after a crash loop (K-23).
int report_main(process::ChildRuntime& runtime, const conf::Config& config, KeptState& kept);

}  // namespace proxyd
