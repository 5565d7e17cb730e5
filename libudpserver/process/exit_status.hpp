#pragma once

#include <optional>
#include <string>

#include "base/clock.hpp"

namespace process {

/// How a child ended.
struct ExitStatus {
    int wait_status = 0;  ///< as waitpid gives it
    bool hung = false;    ///< it was killed because it was silent

    /// True when the child itself is to blame: a crash, an exit status other than 0, or silence. A SIGKILL or
    /// SIGTERM comes from outside and proves nothing.
    [[nodiscard]] bool own_fault() const;
    /// The same without exits by its own decision: a crash or silence.
    [[nodiscard]] bool crashed() const;
};

/// `exit status 1`, `signal 11 (Segmentation fault)`, `signal 6 (Aborted) after no heartbeat`.
std::string to_string(const ExitStatus& status);

/// Whether the next REG may adopt what the last one left. Sessions that kill their REG each time would make a
/// crash loop; so when a REG that adopted dies by a fault soon afterwards, or two in a row while adopting,
/// the next one starts afresh. The proxy's first REG adopts nothing: what kills it need not be what it
/// leaves.
class ArenaTrust {
public:
    static constexpr base::Duration soon{10'000};

    void died(base::Instant now, std::optional<base::Instant> ready, const ExitStatus& status);
    [[nodiscard]] bool poisoned() const { return poisoned_; }

private:
    bool poisoned_ = false;
    bool replacement_ = false;
    unsigned crashes_before_ready_ = 0;
};

}  // namespace process
