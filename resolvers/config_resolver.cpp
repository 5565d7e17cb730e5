#include "resolvers/config_resolver.hpp"

#include <algorithm>

namespace resolvers {
namespace {

using base::now;

}  // namespace

void ConfigResolver::start() {
    for (const ipc::NameUpdate& update : names_.initial_updates())
        sink_.update(update);
    look_up_due();
}

void ConfigResolver::look_up_due() {
    for (const std::string& name : names_.take_due(now()))
        ask(Question{name}, name);
    for (const ConfiguredNames::FamilyLookup& one : names_.take_due_families(now())) {
        Question question{one.found_as};
        question.family = one.family;
        ask(std::move(question), one.name);
    }
    schedule_wakeup();
}

void ConfigResolver::ask(Question question, const std::string& name) {
    question.refresh = true;
    const base::Family family = question.family;
    resolver_.ask(std::move(question), alive_.guard([this, name, family](const Answer& answer) {
        on_answer(name, answer, family);
    }));
}

void ConfigResolver::on_answer(const std::string& name, const Answer& answer, base::Family family) {
    std::uniform_real_distribution<double> jitter(0, 1);
    publish(names_.on_answer(name, answer, now(), jitter(random_), family));
    schedule_wakeup();
}

void ConfigResolver::publish(const NameReport& report) {
    log_events(report);
    if (report.update) sink_.update(*report.update);
}

void ConfigResolver::schedule_wakeup() {
    const auto next = names_.next_event();
    if (!next) {
        timer_.cancel();
        return;
    }
    timer_.expires_after(*next - now());
    timer_.async_wait(alive_.guard([this](const boost::system::error_code& error) {
        if (error) return;
        for (const NameReport& report : names_.expire(now()))
            publish(report);
        look_up_due();
    }));
}

std::size_t ConfigResolver::refresh(const std::vector<std::string>& names) {
    const auto configured =
        std::ranges::count_if(names, [this](const auto& name) { return names_.make_due(name, now()); });
    look_up_due();
    return static_cast<std::size_t>(configured);
}

void ConfigResolver::retry_failing() {
    names_.make_failing_due(now());
    look_up_due();
}

}  // namespace resolvers
