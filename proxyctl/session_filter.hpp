#pragma once

#include <span>

#include "libudpserver/control/request.hpp"
#include "proxyctl/arguments.hpp"

namespace proxyctl {

/// The options that choose sessions, shared by `sessions`, `kill`, `monitor` and `watch`.
std::span<const Option> session_filters();

/// Those that were given, as the arguments of a question: `--older 5m` becomes `older_ms: 300000`.
control::Args filter_args(const Arguments& arguments);

}  // namespace proxyctl
