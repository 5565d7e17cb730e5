#pragma once

#include <optional>
#include <string>

#include "base/clock.hpp"

namespace process {

/// How a child exited.
struct ExitStatus {
    int wait_status = 0;  ///< as waitpid gives it
    bool hung = false;    ///< it was killed because it missed heartbeats

    /// True if the child itself is at fault: a crash, an exit status other than 0, or missed heartbeats.
    /// SIGKILL and SIGTERM come from outside and prove nothing.
    [[nodiscard]] bool is_own_fault() const;
    /// True for a crash or missed heartbeats, false for any exit status.
    [[nodiscard]] bool has_crashed() const;
};

/// `exit status 1`, `signal 11 (Segmentation fault)`, `signal 6 (Aborted) after no heartbeat`.
std::string to_string(const ExitStatus& status);

/// Decides whether the next REG may adopt the sessions. Sessions that crash every REG would cause a crash
/// loop; therefore if a REG fails soon after adopting, or two in a row while adopting, the next one starts
/// with an empty arena. The first REG adopts nothing, so its crash does not count.
class ArenaTrust {
public:
    static constexpr base::Duration soon{10'000};

    void died(base::Instant now, std::optional<base::Instant> ready, const ExitStatus& status);
    [[nodiscard]] bool is_poisoned() const { return poisoned_; }

private:
    bool poisoned_ = false;
    bool replacement_ = false;
    unsigned crashes_before_ready_ = 0;
};

}  // namespace process
