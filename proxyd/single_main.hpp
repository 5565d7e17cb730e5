#pragma once

#include "base/signals.hpp"
#include "proxyd/resources.hpp"

namespace proxyd {

/// singleproc: the same server without supervision, for debugging (K-10). Returns the exit status; `ready` is
/// called when it serves.
int single_main(const conf::Config& config, Resources& resources, base::SignalInbox& signals,
                const std::function<void()>& ready);

}  // namespace proxyd
