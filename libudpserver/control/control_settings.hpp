#pragma once

#include <optional>
#include <string>

#include "base/clock.hpp"
#include "libudpserver/control/control_access.hpp"

namespace control {

/// How much clients of the control socket may cost.
struct ControlBounds {
    std::size_t clients = 16;              ///< at the same time
    std::size_t kept_for_root = 4;         ///< of them: others cannot lock root out
    std::size_t clients_of_a_user = 4;     ///< of one user other than root
    std::size_t chunk = 64 * 1024;         ///< bytes that wait for a client; rows beyond it are not taken
    base::Duration line_patience{60'000};  ///< with half a line
    base::Duration read_patience{10'000};  ///< with a client that does not read what it asked for
};

/// Where the control socket is and who may use it.
struct ControlSettings {
    std::string path;
    unsigned mode = 0660;
    std::optional<gid_t> file_group;  ///< of the socket file
    bool make_directory = false;      ///< when the file's is missing
    ControlRights rights;
    ControlBounds bounds;
};

}  // namespace control
