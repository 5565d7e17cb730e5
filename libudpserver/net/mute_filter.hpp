#pragma once

#include <utility>

#include "base/unique_fd.hpp"

namespace net {

/// The socket filter that drops every datagram. The program is loaded once and shared by all sockets, because
/// the kernel compiles a filter that is passed by value each time, which costs a session more than all its
/// other system calls. Where loading is not permitted, the filter is passed by value.
class MuteFilter {
public:
    /// Loads the program if that is permitted; never throws.
    MuteFilter();
    /// With a program that this process has loaded already, or none.
    explicit MuteFilter(base::UniqueFd program) : program_(std::move(program)) {}

    /// The socket receives nothing from now on; what was queued before stays. Returns 0 or the errno.
    [[nodiscard]] int mute(int socket) const;

    /// The program, to be inherited; -1 when there is none.
    [[nodiscard]] int descriptor() const { return program_.get(); }

private:
    base::UniqueFd program_;
};

}  // namespace net
