#pragma once

#include <utility>

#include "base/unique_fd.hpp"

namespace net {

/// The socket filter that drops every datagram: what makes a socket deaf. The program is loaded once and
/// shared by all sockets, because the kernel compiles a filter that is given by value anew each time, which
/// costs a session more than all its other system calls. Where the kernel loads no program for us, the filter
/// is given by value.
class DeafFilter {
public:
    /// Loads the program if it may; never throws.
    DeafFilter();
    /// One that this process has loaded already, or none.
    explicit DeafFilter(base::UniqueFd program) : program_(std::move(program)) {}

    /// From now on the socket hears nothing; what was queued before stays. Returns 0 or the errno.
    [[nodiscard]] int close_ears(int socket) const;

    /// The program, for the processes that inherit it; -1 when there is none.
    [[nodiscard]] int descriptor() const { return program_.get(); }

private:
    base::UniqueFd program_;
};

}  // namespace net
