#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.hpp"
#include "base/endpoint.hpp"

namespace echo {

/// An answer that waits for its time.
struct Late {
    base::Instant due;
    base::Endpoint to;
    std::vector<std::byte> payload;
};

/// Answers ordered by when they are due. Bounded: what does not fit is refused, so a flood cannot eat the
/// memory.
class DelayQueue {
public:
    static constexpr std::size_t max_answers = 1'000'000;
    static constexpr std::size_t max_bytes = 256u << 20;

    /// False: full, the answer is lost.
    bool add(base::Instant due, const base::Endpoint& to, std::span<const std::byte> payload);

    /// The next answer that is due, or nothing.
    std::optional<Late> take(base::Instant now);

    /// Milliseconds until the next answer is due, rounded up; -1 when none waits (as epoll_wait wants it).
    [[nodiscard]] int wait_ms(base::Instant now) const;

private:
    struct Later {
        bool operator()(const Late& a, const Late& b) const { return a.due > b.due; }
    };
    std::vector<Late> heap_;
    std::size_t bytes_ = 0;
};

}  // namespace echo
