#pragma once

#include <optional>
#include <string>

#include "base/clock.hpp"
#include "libudpserver/control/control_access.hpp"

namespace control {

/// Limits for clients of the control socket.
struct ControlBounds {
    std::size_t max_clients = 16;            ///< at the same time
    std::size_t reserved_for_root = 4;       ///< of max_clients
    std::size_t max_clients_per_user = 4;    ///< except for root
    std::size_t chunk = 64 * 1024;           ///< unread bytes of a client, after which no rows are accepted
    base::Duration line_timeout{60'000};     ///< for an incomplete request
    base::Duration silence_timeout{60'000};  ///< for a client that sends no request
    base::Duration min_silence{1'000};       ///< after which a silent client makes room for another one
    base::Duration read_timeout{300'000};    ///< for a client that reads nothing of its answer
};

/// The path of the control socket and the users that may use it.
struct ControlSettings {
    std::string path;
    unsigned mode = 0660;
    std::optional<gid_t> file_group;  ///< of the socket file
    bool make_directory = false;      ///< if it is missing
    ControlRights rights;
    ControlBounds bounds;
};

}  // namespace control
