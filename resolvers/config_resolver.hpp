#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <random>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "resolvers/lifetime.hpp"
#include "resolvers/name_keeper.hpp"
#include "resolvers/name_sink.hpp"
#include "resolvers/refresh_schedule.hpp"
#include "resolvers/resolver.hpp"

namespace resolvers {

/// The work of ACR: keeps the configuration's names resolved (K-52, K-53) and tells the sink what they mean.
/// When to ask decides RefreshSchedule, what an answer means NameKeeper; here are the clock and the timer.
class ConfigResolver {
public:
    ConfigResolver(boost::asio::io_context& io, const std::vector<std::string>& names, Resolver& resolver,
                   NameSink& sink, base::Duration stale_max, const KnownNames& known = {},
                   RefreshSchedule::Pauses pauses = {});

    /// Tells what is known from before, and asks for all names at once; how many look-ups run at a time is
    /// the resolver's matter.
    void start();

    /// Asks for these names now, whatever their TTL. Returns how many of them are names of the configuration.
    std::size_t refresh(const std::vector<std::string>& names);

    [[nodiscard]] std::vector<NameFacts> facts() const;
    /// A line for each name, for INFO (K-20).
    [[nodiscard]] std::vector<std::string> info() const;

private:
    void go_on();
    void ask_due();
    void ask(const std::string& name);
    void on_answer(const std::string& name, const Answer& answer);
    void sleep();
    void wake();

    Resolver& resolver_;
    NameSink& sink_;
    boost::asio::steady_timer timer_;
    RefreshSchedule schedule_;
    NameKeeper keeper_;
    std::minstd_rand random_;
    Lifetime lifetime_;
};

}  // namespace resolvers
