#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/circular_buffer.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/clock.hpp"
#include "resolvers/ares_exchange.hpp"

namespace resolvers {

/// What the look-ups of one resolver share: the settings, the counters, idle channels of c-ares, and which
/// server to ask first. It outlives them.
class NameServers {
public:
    static constexpr base::Duration avoided_for = std::chrono::seconds(10);
    static constexpr std::size_t max_idle = 64;  ///< of each transport

    /// `settings` outlives it.
    NameServers(boost::asio::io_context& io, const conf::Resolver& settings)
        : io_(io), settings_(settings), avoided_until_(settings.servers.size()) {}

    [[nodiscard]] boost::asio::io_context& io() const { return io_; }
    [[nodiscard]] const conf::Resolver& settings() const { return settings_; }
    [[nodiscard]] Counters& counters() { return counters_; }
    [[nodiscard]] const Counters& counters() const { return counters_; }

    /// The indices of all servers in the order to ask them (K-62): as configured, but those that failed a
    /// short time ago last, so that a dead first server delays one look-up and not every one.
    [[nodiscard]] std::vector<std::size_t> order(base::Instant now) const;
    void failed(std::size_t server, base::Instant now) { avoided_until_[server] = now + avoided_for; }
    void answered(std::size_t server) { avoided_until_[server] = {}; }

    /// Returns the exchange to its NameServers, cancelled.
    struct Return {
        NameServers* servers = nullptr;
        void operator()(AresExchange* exchange) const noexcept { servers->put_back(exchange); }
    };
    using Exchange = std::unique_ptr<AresExchange, Return>;
    /// The one that has been idle longest, since the first use of a channel costs c-ares a step for each
    /// second that it was idle; or a new one. Throws std::bad_alloc when c-ares has no memory.
    [[nodiscard]] Exchange take(conf::Transport transport);
    [[nodiscard]] std::size_t idle(conf::Transport transport) const {
        return idle_[static_cast<std::size_t>(transport)].size();
    }

private:
    using Idle = boost::circular_buffer<std::unique_ptr<AresExchange>>;
    void put_back(AresExchange* exchange) noexcept;

    boost::asio::io_context& io_;
    const conf::Resolver& settings_;
    Counters counters_;
    std::vector<base::Instant> avoided_until_;
    std::array<Idle, 2> idle_{Idle(max_idle), Idle(max_idle)};
};

}  // namespace resolvers
