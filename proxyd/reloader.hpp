#pragma once

#include <string>
#include <vector>

#include "proxyd/load.hpp"
#include "proxyd/roles.hpp"

namespace proxyd {

/// Puts another configuration in the place of the one that the proxy runs with, by adoption (DESIGN §2.3):
/// it is read and checked, and all that it needs is made, before anything changes. Then a new REG takes the
/// sessions over.
class Reloader {
public:
    Reloader(process::Supervisor& supervisor, Roles& roles, Resources& resources, Load load)
        : supervisor_(supervisor), roles_(roles), resources_(resources), load_(std::move(load)) {}

    struct Result {
        std::string refused;             ///< why nothing has changed; empty when all is well
        std::vector<std::string> lines;  ///< what is different, and the warnings
    };
    /// `check_only`: says what would happen. `who` is for the log. Never throws.
    Result reload(bool check_only, const std::string& who);

    /// The configuration that new processes begin with.
    [[nodiscard]] const conf::Config& config() const { return *roles_.config(); }

private:
    Result read(std::shared_ptr<const conf::Config>& next) const;
    void take(const std::shared_ptr<const conf::Config>& next);

    process::Supervisor& supervisor_;
    Roles& roles_;
    Resources& resources_;
    Load load_;
};

}  // namespace proxyd
