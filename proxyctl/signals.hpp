#pragma once

#include <csignal>
#include <vector>

#include "base/unique_fd.hpp"

namespace proxyctl {

/// Catches signals during its lifetime, so that a loop can wait for them, then restores their actions. The
/// newest object receives them.
class Signals {
public:
    /// Throws std::system_error without a free descriptor.
    explicit Signals(std::vector<int> numbers);
    ~Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    /// Readable when a signal has arrived.
    [[nodiscard]] int descriptor() const { return wake_.get(); }
    /// The signals since the last call.
    std::vector<int> take();

private:
    std::vector<int> numbers_;
    std::vector<struct sigaction> before_;
    base::UniqueFd wake_;
    int outer_;  ///< the descriptor of the object before this one
};

}  // namespace proxyctl
