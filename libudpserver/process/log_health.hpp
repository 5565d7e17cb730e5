#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.hpp"

namespace process {

/// Tells from what LOG does whether it hangs or loses lines, for status and doctor (E-6, G-11).
class LogHealth {
public:
    /// To be called about once a second. `lines_wait`: LOG has something to read. `turns`: how often it has
    /// read. `lost`: lines that were lost since the start. `error`: the errno of the last line that could
    /// not be written, 0 if a later one was.
    void look(bool lines_wait, std::uint64_t turns, std::uint64_t lost, int error, base::Instant now);

    /// An empty text if all is well. `loss_matters`: false if the configuration lets lines be lost.
    [[nodiscard]] std::string fault(bool loss_matters, base::Instant now) const;
    /// When the last lines were lost.
    [[nodiscard]] std::optional<base::Instant> lost_at() const { return lost_at_; }

private:
    std::uint64_t turns_ = 0, lost_ = 0;
    int error_ = 0;  ///< when the last lines were lost
    std::optional<base::Instant> unread_since_, lost_at_;
};

}  // namespace process
