#pragma once

#include <string>
#include <vector>

#include "base/clock.hpp"
#include "libudpserver/process/unreaped.hpp"

namespace process {

/// The output of a program, and how it exited.
struct Probe {
    int wait_status = 0;
    bool hung = false;   ///< it was killed after the limit
    std::string output;  ///< of both, standard output and error; at most 16 KiB

    [[nodiscard]] bool good() const { return wait_status == 0 && !hung; }
};

/// Runs another program and waits for it, at most `limit`. It gets `input` as standard input, no other
/// descriptor, and default signal handling. One that is killed after the limit and does not exit is added to
/// `unreaped`. Throws std::system_error if it cannot be started.
Probe probe_program(const std::string& path, const std::vector<std::string>& arguments, int input,
                    base::Duration limit, Unreaped& unreaped);

}  // namespace process
