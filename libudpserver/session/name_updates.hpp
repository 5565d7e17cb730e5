#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "libudpserver/policy/names.hpp"

namespace session {

class Server;

/// Passes updates of configured names to the workers and logs each change with its effect on sessions
/// (NAMS-210-N). While the workers apply an update of a name, later ones are merged into one, however fast
/// they arrive.
class NameUpdates {
public:
    NameUpdates(Server& server, const conf::Config& config)
        : server_(server), config_(config), names_(config), progress_(names_.size()) {}

    /// See Server::update_name().
    void update(const std::string& name, policy::Names::Addresses addresses, bool unresolved);

private:
    struct Progress {
        bool running = false;  ///< the workers are applying an update
        bool pending = false;  ///< names_ has a newer one
    };
    struct Change {
        std::size_t name;
        policy::Names::Addresses before, after;
        bool first = false;  ///< the name was unknown before
        bool unresolved = false;
    };

    void apply(const Change& change);
    void on_applied(const Change& change, const std::string& effect, std::size_t sessions);
    [[nodiscard]] std::string effect_on_sessions(const std::string& name) const;
    [[nodiscard]] bool has_server(const conf::Rule& rule) const;

    Server& server_;
    const conf::Config& config_;
    policy::Names names_;             ///< the newest addresses
    std::vector<Progress> progress_;  ///< by name
};

}  // namespace session
