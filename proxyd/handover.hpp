#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/endpoint.hpp"
#include "base/unique_fd.hpp"
#include "libudpserver/net/pool_groups.hpp"

namespace proxyd {

/// What the parent passes to the program that replaces it in an upgrade: all state that must survive the
/// exec, with the numbers of the descriptors, which stay open. It is passed as lines of text in a memory
/// file, whose descriptor is in the environment.
struct Handover {
    /// Incremented with every incompatible change; programs of the same format can replace each other.
    static constexpr unsigned format = 5;

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
    /// A file that stays at its path; -1: none.
    struct File {
        int descriptor = -1;
        std::uint64_t device = 0, inode = 0;  ///< if needed
    };

    std::string version;  ///< of the program that is replaced
    std::string file;     ///< of the configuration, for a reload
    std::string config;   ///< the effective configuration
    std::uint32_t epoch = 0;
    base::Instant started{};
    unsigned upgrades = 0;  ///< including this one
    int log_level = 0;
    unsigned workers = 1;
    std::uint32_t steering_seed = 0;
    std::vector<Listener> listeners;
    std::size_t pool_capacity = 0;
    std::vector<net::PoolGroup> groups;
    int filter = -1;  ///< of idle sockets; -1: none
    std::vector<PoolSocket> sockets;
    unsigned shared_version = 0;
    std::vector<int> shared;     ///< of net::SharedSide; empty: each session has a socket
    std::optional<Arena> arena;  ///< nothing if the other program cannot read it: the sessions were closed
    std::map<std::string, std::vector<base::Address>> names;  ///< of hosts, with their last addresses
    File pid_file, control;
    int log = -1;  ///< for the lines of a program that is tried out; -1: it opens the log itself

    /// All descriptors in it.
    [[nodiscard]] std::vector<int> descriptors() const;
};

std::string to_text(const Handover& handover);
/// Throws std::runtime_error with the invalid line.
Handover parse_handover(const std::string& text);

/// The text of a handover in a memory file, for a program that is started while this one stays.
class HandoverFile {
public:
    /// Throws std::system_error.
    explicit HandoverFile(const Handover& handover);
    [[nodiscard]] int descriptor() const { return file_.get(); }
    /// `NAME=descriptor`, for its environment.
    [[nodiscard]] std::string variable() const;

private:
    base::UniqueFd file_;
};

/// Prepares the descriptors and the text for an exec. Throws std::system_error; nothing has changed then.
void leave_handover(const Handover& handover);
/// Reverts leave_handover() after the exec has failed.
void take_handover_back(const Handover& handover);

/// The handover of the last program; nothing after a normal start. Its descriptors are close-on-exec again.
/// Throws std::runtime_error if it is invalid.
std::optional<Handover> receive_handover();

}  // namespace proxyd
