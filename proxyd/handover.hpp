#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/endpoint.hpp"
#include "libudpserver/net/pool_groups.hpp"

namespace proxyd {

/// What the parent hands over to the program that it becomes by an upgrade: everything that outlives a
/// process image, with the numbers of the descriptors, which stay open. It goes through a file in memory, as
/// lines of text, whose descriptor the environment names.
struct Handover {
    /// Changes whenever the meaning of a line does: programs with the same one understand each other.
    static constexpr unsigned format = 2;

    struct Listener {
        base::Endpoint configured;
        std::vector<int> sockets;  ///< in the order of the workers
    };
    struct PoolSocket {
        int descriptor = -1;
        std::uint16_t group = 0;
        std::uint8_t worker = 0;
    };
    struct Arena {
        int descriptor = -1;
        std::size_t session_places = 0, socket_places = 0;
    };
    /// A file that stays at its path; -1: there is none.
    struct File {
        int descriptor = -1;
        std::uint64_t device = 0, inode = 0;  ///< where they matter
    };

    std::string version;  ///< of the program that hands over
    std::string file;     ///< of the configuration, for a reload
    std::string config;   ///< the effective one, as text
    std::uint32_t epoch = 0;
    base::Instant started{};
    unsigned upgrades = 0;  ///< this one included
    int log_level = 0;
    unsigned workers = 1;
    std::uint32_t steering_seed = 0;
    std::vector<Listener> listeners;
    std::size_t pool_capacity = 0;
    std::vector<net::PoolGroup> groups;
    int filter = -1;  ///< of idle sockets; -1: none
    std::vector<PoolSocket> sockets;
    std::optional<Arena>
        arena;  ///< nothing when the other program cannot read it: the sessions have ended then
    std::map<std::string, std::vector<base::Address>> names;  ///< of hosts, and what they meant last
    File pid_file, control;

    /// All that it names.
    [[nodiscard]] std::vector<int> descriptors() const;
};

std::string to_text(const Handover& handover);
/// Throws std::runtime_error with the line that makes no sense.
Handover parse_handover(const std::string& text);

/// Lets the descriptors survive an exec, and names the text to the next program. Throws std::system_error;
/// nothing is changed then.
void leave_handover(const Handover& handover);
/// The exec has failed: as before.
void take_handover_back(const Handover& handover);

/// What the last program left: nothing when this one was started in the usual way. The descriptors are closed
/// by the next exec again. Throws std::runtime_error when it makes no sense.
std::optional<Handover> receive_handover();

}  // namespace proxyd
