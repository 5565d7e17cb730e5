#include "libudpserver/session/refusal_log.hpp"

#include <fmt/core.h>

#include <utility>

#include "libudpserver/session/statistics_record.hpp"

namespace session {

namespace {

/// Some reasons can also close a session, which was accepted; a refused datagram never was. FAILED: the proxy
/// could not serve it.
std::string_view status_of_refusal(CloseReason reason) {
    return reason == CloseReason::no_socket || reason == CloseReason::socket_error ? "FAILED" : "REJECTED";
}

/// All neighbours on a link have the prefix fe80::/64.
base::Address prefix_of(const base::Endpoint& client) {
    if (base::needs_scope(client.address())) return client.address();
    return base::network_of(client.address(), client.family == base::Family::v4 ? 32 : 64);
}

}  // namespace

RefusalLog::RefusalLog(std::string proxy, std::vector<std::string> rules)
    : proxy_(std::move(proxy)), rules_(std::move(rules)) {}

bool RefusalLog::count(const base::Endpoint& client, const base::Endpoint& local, CloseReason reason,
                       std::optional<std::size_t> rule, std::size_t bytes, base::Instant now) {
    Entry& entry = place_for(prefix_of(client), reason, rule);
    const bool is_new = entry.count == 0;
    if (is_new) {
        entry.client = client;
        entry.local = local;
        entry.first = now;
    }
    ++entry.count;
    entry.bytes += bytes;
    entry.last = now;
    ++total_;
    return is_new;
}

/// The entry of these refusals, a free one, or the common one.
RefusalLog::Entry& RefusalLog::place_for(const base::Address& prefix, CloseReason reason,
                                         std::optional<std::size_t> rule) {
    // Only the source is hashed, since an attacker can vary it. Its few reasons and rules are neighbours.
    const std::uint64_t home = hash_(SessionKey{base::Endpoint(prefix, 0), {}, 0});
    for (std::size_t step = 0; step < max_probe; ++step) {
        const std::size_t place = (home + step) % capacity;
        Entry& entry = entries_[place];
        if (entry.count == 0) {
            entry.prefix = prefix;
            entry.reason = reason;
            entry.rule = rule;
            order_[used_++] = static_cast<std::uint16_t>(place);
            return entry;
        }
        if (entry.prefix == prefix && entry.reason == reason && entry.rule == rule) return entry;
    }
    return others_;
}

std::vector<base::log::Field> RefusalLog::fields(const Entry& entry) const {
    const bool others = &entry == &others_;
    StatisticsRecord summary;
    summary.proxy = proxy_;
    if (!others) {
        summary.client = entry.client;
        summary.local = entry.local;
    }
    summary.counters.client_datagrams = entry.count;
    summary.counters.client_bytes = entry.bytes;
    summary.duration = entry.last - entry.first;
    summary.status = status_of_refusal(entry.reason);
    summary.result = "FAILED";
    if (entry.rule && *entry.rule < rules_.size()) summary.rule = rules_[*entry.rule];
    summary.reason = others ? "others" : to_string(entry.reason);
    std::vector<base::log::Field> result = fields_of(summary);
    result.push_back({"COUNT", fmt::format("{}", entry.count), false});
    return result;
}

void RefusalLog::clear() {
    for (std::size_t i = 0; i < used_; ++i)
        entries_[order_[i]] = {};
    used_ = 0;
    others_ = {};
}

}  // namespace session
