#pragma once

#include <functional>
#include <string>

#include "conf/config.hpp"
#include "libudpserver/sandbox/sandbox.hpp"
#include "libudpserver/sandbox/violation.hpp"

namespace proxyd {

/// The sandbox of all processes as the configuration wants it. The parent has one, which its children
/// inherit.
class Confinement {
public:
    /// Confines this process as the parent. Throws base::Fatal if `sandbox: required` cannot be met.
    explicit Confinement(const conf::Config& config);

    /// Confines a new child. `resolver` is what the resolving roles use: they may connect to its servers.
    void confine(sandbox::Role role, const conf::Config& config, const conf::Resolver& resolver = {},
                 const sandbox::GuardedSockets& guarded = {});

    /// What confines LOG with this configuration; this object must outlive it.
    [[nodiscard]] std::function<void()> for_log(const conf::Config& config);

    /// In the parent, for a child that SIGSYS killed.
    std::string forbidden_call(sandbox::Role role);

    /// `seccomp, Landlock 7, capabilities`; or why not all of it.
    [[nodiscard]] const std::string& level() const { return level_; }
    [[nodiscard]] bool is_complete() const { return is_complete_; }
    void log_level() const;

private:
    std::string level_;
    bool is_complete_ = false;
    sandbox::Violations violations_;
};

}  // namespace proxyd
