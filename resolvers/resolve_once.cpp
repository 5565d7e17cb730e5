#include "resolvers/resolve_once.hpp"

#include <boost/asio/io_context.hpp>
#include <optional>

#include "resolvers/ares_resolver.hpp"
#include "resolvers/confirming_resolver.hpp"
#include "resolvers/name_keeper.hpp"

namespace resolvers {
namespace {

constexpr std::chrono::milliseconds look_up_from_work{100};

struct Collector : NameSink {
    std::vector<ipc::NameNews> news;
    void tell(const ipc::NameNews& one) override { news.push_back(one); }
};

}  // namespace

std::vector<ipc::NameNews> resolve_once(const std::vector<std::string>& names, const Settings& settings,
                                        const std::function<bool()>& go_on) {
    boost::asio::io_context io;
    AresResolver resolver(io, settings);
    Collector collector;
    // There is no second round, so nothing ever grows too old.
    NameKeeper keeper(names, std::chrono::hours(24), base::MonotonicClock::now());
    std::size_t waiting = 0;
    for (const std::string& name : names) {
        ++waiting;
        resolver.ask(Question{name}, [&, name](const Answer& answer) {
            deliver(keeper.take(name, answer, base::MonotonicClock::now()), &collector);
            --waiting;
        });
    }
    while (waiting > 0 && go_on())
        io.run_one_for(look_up_from_work);
    return std::move(collector.news);
}

Answer ask_once(const Settings& settings, const Question& question) {
    boost::asio::io_context io;
    AresResolver resolver(io, settings);
    ConfirmingResolver confirming(io, resolver, settings.timeout);
    std::optional<Answer> got;
    confirming.ask(question, [&got](const Answer& answer) { got = answer; });
    while (!got && io.run_one() > 0) {
    }
    return got.value();
}

}  // namespace resolvers
