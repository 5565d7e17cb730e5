#include "resolvers/resolve_once.hpp"

#include <boost/asio/io_context.hpp>
#include <optional>

#include "resolvers/ares_resolver.hpp"
#include "resolvers/configured_names.hpp"
#include "resolvers/confirming_resolver.hpp"

namespace resolvers {
namespace {

constexpr std::chrono::milliseconds poll_interval{100};

}  // namespace

std::vector<ipc::NameUpdate> resolve_once(const std::vector<std::string>& names,
                                          const conf::Resolver& settings,
                                          const std::function<bool()>& proceed) {
    boost::asio::io_context io;
    AresResolver resolver(io, settings, options_for_configuration);
    std::vector<ipc::NameUpdate> updates;
    // Names are asked for once, so none expires.
    ConfiguredNames table(NameSnapshot(names), std::chrono::hours(24), base::MonotonicClock::now());
    std::size_t waiting = 0;
    for (const std::string& name : names) {
        ++waiting;
        resolver.ask(Question{name}, [&, name](const Answer& answer) {
            const NameReport report = table.on_answer(name, answer, base::MonotonicClock::now(), 0);
            log_events(report);
            if (report.update) updates.push_back(*report.update);
            --waiting;
        });
    }
    while (waiting > 0 && proceed())
        io.run_one_for(poll_interval);
    return updates;
}

Answer ask_once(const conf::Resolver& settings, const Question& question, const ResolverOptions& options) {
    boost::asio::io_context io;
    AresResolver resolver(io, settings, options);
    ConfirmingResolver confirming(io, resolver, settings.timeout);
    std::optional<Answer> got;
    confirming.ask(question, [&got](const Answer& answer) { got = answer; });
    while (!got && io.run_one() > 0) {
    }
    return got.value();
}

}  // namespace resolvers
