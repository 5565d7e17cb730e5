#pragma once

#include <functional>

#include "libudpserver/base/signals.hpp"
#include "proxyd/load.hpp"
#include "proxyd/resources.hpp"

namespace proxyd {

/// The parent: supervises REG, and ACR and APR where they are needed, until the proxy ends. Returns the exit
/// status; `ready` is called when it serves; `load` reads the configuration again.
int parent_main(const conf::Config& config, const Load& load, Resources& resources,
                base::SignalInbox& signals, const std::function<void()>& ready);

}  // namespace proxyd
