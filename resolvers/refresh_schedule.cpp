#include "resolvers/refresh_schedule.hpp"

#include <algorithm>

namespace resolvers {
namespace {

// A TTL of 0, or one that a careless zone sets, must not make us spin (K-56).
constexpr base::Duration shortest_pause = std::chrono::milliseconds(500);

base::Duration part_of(base::Duration ttl, double jitter) {
    const double part = 0.8 + 0.1 * std::clamp(jitter, 0.0, 1.0);
    return base::Duration(static_cast<base::Duration::rep>(static_cast<double>(ttl.count()) * part));
}

}  // namespace

void RefreshSchedule::add(const std::string& name, base::Instant now) {
    const auto [place, is_new] = names_.try_emplace(name);
    if (is_new) schedule(name, place->second, now);
}

bool RefreshSchedule::hurry(const std::string& name, base::Instant now) {
    const auto found = names_.find(name);
    if (found == names_.end()) return false;
    if (found->second.number != 0) schedule(name, found->second, now);
    return true;
}

std::optional<base::Instant> RefreshSchedule::next() {
    drop_outdated();
    if (queue_.empty()) return std::nullopt;
    return queue_.top().due;
}

std::optional<std::string> RefreshSchedule::take_due(base::Instant now) {
    drop_outdated();
    if (queue_.empty() || queue_.top().due > now) return std::nullopt;
    std::string name = queue_.top().name;
    queue_.pop();
    names_.find(name)->second.number = 0;
    return name;
}

std::optional<base::Instant> RefreshSchedule::answered(const std::string& name, const Answer& answer,
                                                       base::Instant now, double jitter) {
    const auto found = names_.find(name);
    if (found == names_.end()) return std::nullopt;
    const auto due = now + pause(found->second, answer, jitter);
    schedule(name, found->second, due);
    return due;
}

unsigned RefreshSchedule::failures(const std::string& name) const {
    const auto found = names_.find(name);
    return found == names_.end() ? 0 : found->second.failures;
}

void RefreshSchedule::schedule(const std::string& name, Plan& plan, base::Instant due) {
    plan.number = ++last_number_;
    queue_.push({due, plan.number, name});
}

base::Duration RefreshSchedule::pause(Plan& plan, const Answer& answer, double jitter) const {
    if (answer.status == Answer::ok) {
        plan.failures = 0;
        return std::max(part_of(answer.ttl, jitter), shortest_pause);
    }
    if (is_denial(answer.status)) {
        // Servers remember a denial for its TTL; asking them earlier is of no use.
        plan.failures = 0;
        return std::clamp(answer.ttl, std::min(pauses_.first, pauses_.longest), pauses_.longest);
    }
    const auto doublings = std::min(plan.failures++, 20u);
    return std::min(pauses_.first * (1u << doublings), pauses_.longest);
}

// An entry of a name that was planned anew stays in the queue until it comes to its top.
void RefreshSchedule::drop_outdated() {
    while (!queue_.empty() && names_.at(queue_.top().name).number != queue_.top().number)
        queue_.pop();
}

}  // namespace resolvers
