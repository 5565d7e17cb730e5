#include "libudpserver/session/client_names.hpp"

#include <algorithm>

namespace session {

namespace {

/// No answer is believed longer, whatever it says.
constexpr Duration max_ttl = std::chrono::hours(24);

}  // namespace

const ClientNames::Known* ClientNames::valid(const base::Address& client, Instant now) const {
    if (known_.empty()) return nullptr;
    const auto found = known_.find(client);
    return found == known_.end() || found->second.until < now ? nullptr : &found->second;
}

const std::vector<std::string>* ClientNames::find(const base::Address& client, Instant now) const {
    const Known* known = valid(client, now);
    return known == nullptr || known->failed ? nullptr : &known->names;
}

bool ClientNames::failed(const base::Address& client, Instant now) const {
    const Known* known = valid(client, now);
    return known != nullptr && known->failed;
}

ClientNames::Ask ClientNames::ask(const base::Address& client) {
    if (asked_.contains(client)) return Ask::asked_already;
    if (full()) return Ask::too_many;
    asked_[client];
    return Ask::now;
}

void ClientNames::add_log_only(const base::Address& client, SessionId session) {
    asked_.at(client).log_only.push_back(session);
}

ClientNames::Waiters ClientNames::answered(const base::Address& client, const base::LookupAnswer& answer,
                                           Instant now) {
    const bool failed = is_failure(answer.status);
    forget(client);
    if (known_.size() >= capacity) forget(ages_.front());
    ages_.push_back(client);
    Known& known = known_[client];
    if (answer.status == base::LookupAnswer::ok) known.names = answer.names;
    known.failed = failed;
    known.until = now + std::clamp(answer.ttl, Duration{0}, max_ttl);
    known.age = std::prev(ages_.end());
    auto asked = asked_.extract(client);
    return asked.empty() ? Waiters() : std::move(asked.mapped());
}

void ClientNames::forget(base::Address client) {
    const auto found = known_.find(client);
    if (found == known_.end()) return;
    ages_.erase(found->second.age);
    known_.erase(found);
}

}  // namespace session
