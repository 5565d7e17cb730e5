#pragma once

#include <functional>

#include "base/signals.hpp"
#include "proxyd/handover.hpp"
#include "proxyd/load.hpp"
#include "proxyd/program.hpp"
#include "proxyd/resources.hpp"

namespace proxyd {

/// What the parent gets from main and has for as long as it lives.
struct ParentParts {
    const conf::Config& config;
    const Load& load;                    ///< reads the configuration again
    const Program& program;              ///< for an upgrade
    const Handover* handover;            ///< of the program that this process was before; null: none
    int pid_file = -1;                   ///< descriptor; -1: none
    const std::function<void()>& ready;  ///< called when it serves
};

/// The parent: supervises REG, and ACR and APR where they are needed, until the proxy ends. Returns the exit
/// status.
int parent_main(const ParentParts& parts, Resources& resources, base::SignalInbox& signals);

}  // namespace proxyd
