#pragma once

#include <functional>

#include "libudpserver/base/signals.hpp"
#include "proxyd/resources.hpp"

namespace proxyd {

/// The parent: supervises REG until the proxy ends. Returns the exit status; `ready` is called when it
/// serves.
int parent_main(const conf::Config& config, Resources& resources, base::SignalInbox& signals, bool foreground,
                const std::function<void()>& ready);

}  // namespace proxyd
