#pragma once

#include <sys/types.h>

#include "proxyctl/answer.hpp"

namespace proxyctl {

/// The parent process of a proxy, held by a descriptor, so that its end cannot be taken for another's.
class ParentProcess {
public:
    /// Of the proxy at the other end of `connection`. One that has forked after it began to listen is asked
    /// for its pid.
    ParentProcess(const Context& context, Connection& connection);

    [[nodiscard]] pid_t pid() const { return pid_; }
    /// Waits until it has ended, so that its ports are free (K-76); false when it has not within the limit.
    bool wait_end(Connection& connection, const Patience& patience) const;

private:
    void open(pid_t pid);

    pid_t pid_ = 0;
    base::UniqueFd fd_;
};

}  // namespace proxyctl
