#include "libudpserver/session/event_log.hpp"

#include <algorithm>

namespace session {

void EventLog::Ring::add(const Event& event) {
    if (events_.size() < capacity_) {
        events_.push_back(event);
        return;
    }
    overwritten_ = events_[next_].at;
    events_[next_] = event;
    next_ = (next_ + 1) % capacity_;
}

void EventLog::add(Event::Kind kind, const Record& record, Slot slot, Instant now) {
    sessions_.add({.kind = kind,
                   .reason = record.reason,
                   .slot = slot,
                   .generation = record.generation,
                   .rule = record.rule,
                   .client = record.client,
                   .local = record.local,
                   .server = record.server,
                   .at = now,
                   .counters = record.counters});
}

void EventLog::refused(const Endpoint& client, const Endpoint& local, CloseReason reason,
                       std::optional<std::size_t> rule, Instant now) {
    Event event{.kind = Event::Kind::refused, .reason = reason, .client = client, .local = local, .at = now};
    if (rule) event.rule = static_cast<std::uint16_t>(*rule);
    refusals_.add(event);
}

std::vector<Event> EventLog::between(Instant since, Instant until, std::size_t max) const {
    std::vector<Event> found;
    for (const Ring* ring : {&sessions_, &refusals_}) {
        for (std::size_t i = 0; i < ring->size(); ++i) {
            const Event& event = ring->at(i);
            if (event.at >= since && event.at < until) found.push_back(event);
        }
    }
    std::ranges::stable_sort(found, {}, &Event::at);
    if (found.size() > max) found.resize(max);
    return found;
}

bool EventLog::has_all_since(Instant since) const {
    return std::max(sessions_.overwritten(), refusals_.overwritten()) < since;
}

std::vector<Event> EventLog::refusals(const std::optional<base::Address>& client, std::size_t max) const {
    std::vector<Event> found;
    for (std::size_t back = refusals_.size(); back-- > 0 && found.size() < max;) {
        const Event& event = refusals_.at(back);
        if (!client || event.client.address() == *client) found.push_back(event);
    }
    return found;
}

}  // namespace session
