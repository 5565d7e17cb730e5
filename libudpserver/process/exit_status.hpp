#pragma once

#include <optional>
#include <string>

#include "base/clock.hpp"

namespace process {

/// The exit status of a child that has left its work to the next one, as opposed to finished it (0).
inline constexpr int work_left = 10;

/// How a child exited.
struct ExitStatus {
    int wait_status = 0;  ///< as waitpid gives it
    bool hung = false;    ///< it was killed because it missed heartbeats

    /// True if it has done all its work.
    [[nodiscard]] bool is_finished() const { return wait_status == 0 && !hung; }
    /// True if the child itself is at fault: a crash, an exit status other than 0, or missed heartbeats.
    /// SIGKILL and SIGTERM come from outside and prove nothing.
    [[nodiscard]] bool is_own_fault() const;
    /// True for a crash or missed heartbeats, false for any exit status.
    [[nodiscard]] bool has_crashed() const;
};

/// `exit status 1`, `signal 11 (Segmentation fault)`, `signal 6 (Aborted) after no heartbeat`.
std::string to_string(const ExitStatus& status);

/// Decides whether the next REG may adopt the sessions. Sessions that crash every REG would cause a crash
/// loop; therefore if two in a row fail while adopting, or ten in a row soon afterwards, the next one starts
/// with an empty arena. The second case is the last resort: a client's datagrams or signals of another
/// process may be the cause as well. The first REG adopts nothing, so its crash does not count.
class ArenaTrust {
public:
    static constexpr base::Duration soon{10'000};
    static constexpr unsigned max_before_ready = 2, max_soon = 10;

    void died(base::Instant now, std::optional<base::Instant> ready, const ExitStatus& status);
    [[nodiscard]] bool is_poisoned() const { return poisoned_; }

private:
    bool poisoned_ = false;
    bool replacement_ = false;
    unsigned crashes_before_ready_ = 0;
    unsigned crashes_soon_ = 0;  ///< in a row
};

}  // namespace process
