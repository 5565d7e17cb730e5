#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <random>
#include <string>
#include <vector>

#include "resolvers/alive_guard.hpp"
#include "resolvers/configured_names.hpp"
#include "resolvers/name_sink.hpp"
#include "resolvers/resolver.hpp"

namespace resolvers {

/// ACR's work: looks the configured names up whenever ConfiguredNames says so, logs, and passes updates to
/// the sink (K-52, K-53).
class ConfigResolver {
public:
    ConfigResolver(boost::asio::io_context& io, ConfiguredNames& names, Resolver& resolver, NameSink& sink)
        : names_(names), resolver_(resolver), sink_(sink), timer_(io), random_(std::random_device{}()) {}

    /// Publishes what the snapshot knows and looks all names up. The resolver limits the number of concurrent
    /// look-ups.
    void start();

    /// Looks these names up now, whatever their TTL. Returns how many of them are configured.
    std::size_t refresh(const std::vector<std::string>& names);

    /// The network changed: looks up at once what fails.
    void retry_failing();

private:
    void look_up_due();
    void ask(Question question, const std::string& name);
    void on_answer(const std::string& name, const Answer& answer, base::Family family);
    void publish(const NameReport& report);
    void schedule_wakeup();

    ConfiguredNames& names_;
    Resolver& resolver_;
    NameSink& sink_;
    boost::asio::steady_timer timer_;
    std::minstd_rand random_;
    AliveGuard alive_;
};

}  // namespace resolvers
