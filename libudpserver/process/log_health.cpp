#include "libudpserver/process/log_health.hpp"

#include <fmt/core.h>

#include <cstring>

#include "base/text.hpp"

namespace process {

namespace {

/// A busy machine or a slow disk may hold it up for a moment.
constexpr base::Duration hang_limit{3'000};
/// Losses that are older are in the counters only.
constexpr base::Duration loss_limit{10'000};

}  // namespace

void LogHealth::look(bool lines_wait, std::uint64_t turns, std::uint64_t lost, int error, base::Instant now) {
    if (!lines_wait || turns != turns_)
        unread_since_.reset();
    else if (!unread_since_)
        unread_since_ = now;
    if (lost != lost_) {
        // LOG counts what it has lost when it can write again.
        if (error != 0 || !lost_at_ || now - *lost_at_ >= loss_limit) error_ = error;
        lost_at_ = now;
    }
    turns_ = turns;
    lost_ = lost;
}

std::string LogHealth::fault(bool loss_matters, base::Instant now) const {
    if (unread_since_ && now - *unread_since_ >= hang_limit)
        return fmt::format("hangs: it has written nothing for {}",
                           base::format_duration(now - *unread_since_));
    if (!loss_matters || !lost_at_ || now - *lost_at_ >= loss_limit) return {};
    return error_ == 0 ? "lines are lost: too many at once"
                       : fmt::format("lines are lost: {}", std::strerror(error_));
}

}  // namespace process
