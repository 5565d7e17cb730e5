#pragma once

#include <string>
#include <vector>

#include "base/clock.hpp"

namespace process {

/// What a program said when it was asked something, and how it ended.
struct Probe {
    int wait_status = 0;
    bool hung = false;   ///< it was killed after the limit
    std::string output;  ///< of both, standard output and error; at most 16 KiB

    [[nodiscard]] bool good() const { return wait_status == 0 && !hung; }
};

/// Runs another program to its end and waits for it, `limit` at most; `input` becomes its standard input. It
/// gets no other descriptor, and signals as a fresh process has them. Throws std::system_error when it cannot
/// be started.
Probe probe_program(const std::string& path, const std::vector<std::string>& arguments, int input,
                    base::Duration limit);

}  // namespace process
