#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "libudpserver/net/listener_set.hpp"
#include "libudpserver/session/arena.hpp"

namespace session {

/// The counters of all workers since the proxy started. They are in the arena, so they outlive REG.
class ServerStatistics {
public:
    ServerStatistics(const conf::Config& config, const Arena& arena, const net::ListenerSet& listeners)
        : config_(config), arena_(arena), listeners_(listeners) {}

    [[nodiscard]] std::uint64_t sum(Count Totals::*counter) const;
    /// All counters by name, for the command `stats`.
    [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> counters() const;
    /// Lines for INFO (K-20): sessions and traffic, then one line per reason of closing and refusing.
    [[nodiscard]] std::vector<std::string> info() const;
    /// The line of the last minute (K-78). Empty: nothing has happened.
    [[nodiscard]] std::string housekeeping();

private:
    [[nodiscard]] std::uint64_t refused_by(CloseReason reason) const;
    /// What the kernel dropped because listening sockets were full.
    [[nodiscard]] std::uint64_t dropped_at_listeners() const;
    void add_refusals(std::vector<std::pair<std::string, std::uint64_t>>& result) const;
    void add_traffic(std::vector<std::string>& lines) const;
    void add_reasons(std::vector<std::string>& lines) const;

    const conf::Config& config_;
    const Arena& arena_;
    const net::ListenerSet& listeners_;
};

}  // namespace session
