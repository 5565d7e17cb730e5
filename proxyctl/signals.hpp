#pragma once

#include <csignal>
#include <vector>

#include "base/unique_fd.hpp"

namespace proxyctl {

/// Catches signals for its own lifetime, so that a loop can wait for them; afterwards they act as before. The
/// object that was constructed last gets them.
class Signals {
public:
    /// Throws std::system_error when there is no descriptor left.
    explicit Signals(std::vector<int> numbers);
    ~Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    /// Readable when there is something to take.
    [[nodiscard]] int descriptor() const { return wake_.get(); }
    /// The numbers that came since the last call.
    std::vector<int> take();

private:
    std::vector<int> numbers_;
    std::vector<struct sigaction> before_;
    base::UniqueFd wake_;
    int outer_;  ///< the descriptor of the object that was in charge before
};

}  // namespace proxyctl
