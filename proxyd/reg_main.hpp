#pragma once

#include "libudpserver/process/child_runtime.hpp"
#include "proxyd/resources.hpp"

namespace proxyd {

/// REG: takes the sessions over and forwards until it is told to stop. Returns its exit status.
int reg_main(process::ChildRuntime& runtime, const conf::Config& config, Resources& resources);

/// Reports the sessions that a REG left which could not do it itself, and ends: so that also those which a
/// crash loop cut off get their record (K-23).
int report_main(process::ChildRuntime& runtime, const conf::Config& config, Resources& resources);

}  // namespace proxyd
