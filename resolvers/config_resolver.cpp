#include "resolvers/config_resolver.hpp"

#include <algorithm>

namespace resolvers {
namespace {

base::Instant now() {
    return base::MonotonicClock::now();
}

}  // namespace

ConfigResolver::ConfigResolver(boost::asio::io_context& io, const std::vector<std::string>& names,
                               Resolver& resolver, NameSink& sink, base::Duration stale_max,
                               const KnownNames& known, RefreshSchedule::Pauses pauses)
    : resolver_(resolver),
      sink_(sink),
      timer_(io),
      schedule_(pauses),
      keeper_(names, stale_max, now(), known),
      random_(std::random_device{}()) {
    for (const std::string& name : names)
        schedule_.add(name, now());
}

void ConfigResolver::start() {
    for (const ipc::NameNews& news : keeper_.recalled())
        sink_.tell(news);
    go_on();
}

void ConfigResolver::go_on() {
    ask_due();
    sleep();
}

void ConfigResolver::ask_due() {
    while (const auto name = schedule_.take_due(now()))
        ask(*name);
}

void ConfigResolver::ask(const std::string& name) {
    Question question{name};
    question.refresh = true;
    resolver_.ask(std::move(question),
                  lifetime_.guard([this, name](const Answer& answer) { on_answer(name, answer); }));
}

void ConfigResolver::on_answer(const std::string& name, const Answer& answer) {
    std::uniform_real_distribution<double> jitter(0, 1);
    schedule_.answered(name, answer, now(), jitter(random_));
    deliver(keeper_.take(name, answer, now()), &sink_);
    sleep();
}

// Until a name is due or has to be given up. While all are being asked for, their answers wake us.
void ConfigResolver::sleep() {
    const auto due = schedule_.next(), expiry = keeper_.next_expiry();
    if (!due && !expiry) {
        timer_.cancel();
        return;
    }
    const auto until = std::min(due.value_or(base::Instant::max()), expiry.value_or(base::Instant::max()));
    timer_.expires_after(until - now());
    timer_.async_wait(lifetime_.guard([this](const boost::system::error_code& error) {
        if (!error) wake();
    }));
}

void ConfigResolver::wake() {
    for (const NameReport& report : keeper_.expire(now()))
        deliver(report, &sink_);
    go_on();
}

std::size_t ConfigResolver::refresh(const std::vector<std::string>& names) {
    const auto known = std::ranges::count_if(
        names, [this](const std::string& name) { return schedule_.hurry(name, now()); });
    go_on();
    return static_cast<std::size_t>(known);
}

std::vector<NameFacts> ConfigResolver::facts() const {
    return keeper_.facts(now());
}

std::vector<std::string> ConfigResolver::info() const {
    return keeper_.info(now());
}

}  // namespace resolvers
