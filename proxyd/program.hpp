#pragma once

#include <string>
#include <vector>

namespace proxyd {

/// How this program was started: what an upgrade executes.
struct Program {
    std::string path;  ///< absolute: whatever is there at the time of the upgrade
    std::vector<std::string> arguments;

    /// Of this process. The arguments are copied.
    static Program of(int argc, char** argv);
};

/// What `proxyd --handover` prints: what an upgrade must know of a program before it becomes it.
std::string handover_abilities();

}  // namespace proxyd
