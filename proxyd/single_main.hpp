#pragma once

#include <functional>

#include "base/signals.hpp"
#include "proxyd/kept_state.hpp"

namespace proxyd {

/// singleproc: the same server in one process, without supervision, for debugging (K-10). Calls `ready` when
/// it is; returns the exit status.
int single_main(const conf::Config& config, KeptState& kept, base::SignalInbox& signals,
                const std::function<void()>& ready);

}  // namespace proxyd
