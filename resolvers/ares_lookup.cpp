#include "resolvers/ares_lookup.hpp"

#include <algorithm>
#include <utility>

namespace resolvers {
namespace {

using conf::Transport;
using Result = AresExchange::Result;

std::vector<RecordType> types_for(bool reverse, conf::Families families) {
    if (reverse) return {RecordType::ptr};
    if (families == conf::Families::v4) return {RecordType::a};
    if (families == conf::Families::v6) return {RecordType::aaaa};
    return {RecordType::a, RecordType::aaaa};
}

std::string_view label(RecordType type) {
    return type == RecordType::a ? "A: " : type == RecordType::aaaa ? "AAAA: " : "PTR: ";
}

std::string numbered(std::size_t server, std::string_view text) {
    std::string all = "#" + std::to_string(server + 1);
    return text.empty() ? all : all.append(" ").append(text);
}

Answer to_answer(const DnsAnswer& found, Answer::Status status, std::size_t server) {
    return {.status = status,
            .addresses = found.addresses,
            .names = found.names,
            .ttl = found.ttl,
            .detail = numbered(server, found.why)};
}

// Which of two answers the caller has to know: a failure hides the rest, addresses hide a denial.
int rank(const Answer& answer) {
    if (is_failure(answer.status)) return 3;
    if (answer.status == Answer::ok) return 2;
    return answer.status == Answer::no_data ? 1 : 0;
}

}  // namespace

Answer merged(const Answer& one, const Answer& other) {
    if (one.status != Answer::ok || other.status != Answer::ok) return rank(one) >= rank(other) ? one : other;
    Answer both = one;
    both.addresses.insert(both.addresses.end(), other.addresses.begin(), other.addresses.end());
    std::sort(both.addresses.begin(), both.addresses.end());
    both.addresses.erase(std::unique(both.addresses.begin(), both.addresses.end()), both.addresses.end());
    both.ttl = std::min(one.ttl, other.ttl);
    return both;
}

AresLookup::AresLookup(NameServers& servers, bool reverse, std::vector<std::string> names, Done done)
    : servers_(servers), names_(std::move(names)), done_(std::move(done)) {
    ++servers_.counters().lookups;
    for (const RecordType type : types_for(reverse, servers_.settings().families))
        parts_.push_back({type});
    ask_name();
}

std::string AresLookup::Part::progress() const {
    std::string text;
    for (std::size_t i = 0; i < failures.size(); ++i)
        if (!failures[i].empty()) text += (text.empty() ? "" : ", ") + numbered(i, failures[i]);
    return text.empty() ? numbered(server(), "has not answered yet") : text;
}

std::string AresLookup::progress() const {
    std::string text;
    for (const Part& part : parts_) {
        if (part.answer) continue;
        if (!text.empty()) text += "; ";
        text.append(label(part.type)).append(part.progress());
    }
    return text;
}

void AresLookup::ask_name() {
    for (Part& part : parts_) {
        part = Part{part.type, servers_.order(base::MonotonicClock::now())};
        part.failures.resize(part.order.size());
        ask(part, servers_.settings().transport);
    }
}

void AresLookup::ask(Part& part, Transport transport) {
    part.exchange = servers_.take(transport);
    part.exchange->ask(servers_.settings().servers[part.server()],
                       DnsQuestion(names_[current_], part.type, Randomness::fresh()), timeout(part),
                       [this, &part](const Result& result) { on_result(part, result); });
}

// Twice as long in each round.
base::Duration AresLookup::timeout(const Part& part) const {
    const conf::Resolver& settings = servers_.settings();
    const auto first = part.type == RecordType::ptr ? settings.initial_timeout : settings.server_timeout;
    return first * (1 << std::min<std::size_t>(part.attempt / part.order.size(), 4));
}

void AresLookup::on_result(Part& part, const Result& result) {
    const DnsAnswer& answer = result.answer;
    if (result.kind != Result::answered) {
        part.only_silence = part.only_silence && result.kind == Result::silent;
        if (result.kind != Result::unusable) servers_.failed(part.server(), base::MonotonicClock::now());
        return ask_next(part, answer.why.empty() ? "no answer" : answer.why);
    }
    servers_.answered(part.server());
    switch (answer.verdict) {
        case DnsAnswer::ok:
            return on_part(part, to_answer(answer, Answer::ok, part.server()));
        case DnsAnswer::no_such_name:
            return on_part(part, to_answer(answer, Answer::no_such_name, part.server()));
        case DnsAnswer::no_data:
            return on_part(part, to_answer(answer, Answer::no_data, part.server()));
        case DnsAnswer::truncated:
            if (part.exchange->transport() == Transport::udp) return ask(part, Transport::tcp);
            break;
        case DnsAnswer::server_failure:
        case DnsAnswer::not_ours:
        case DnsAnswer::malformed:
            break;
    }
    part.only_silence = false;
    ask_next(part, answer.why);
}

void AresLookup::ask_next(Part& part, std::string_view why) {
    part.failures[part.server()] = why;
    const conf::Resolver& settings = servers_.settings();
    if (++part.attempt < part.order.size() * std::max(settings.tries, 1u))
        return ask(part, settings.transport);
    on_part(part, failure(part.only_silence ? Answer::timed_out : Answer::server_failure, part.progress()));
}

void AresLookup::on_part(Part& part, Answer answer) {
    if (answer.status != Answer::ok) answer.detail.insert(0, label(part.type));
    // One failure decides; the other part is not waited for.
    if (is_failure(answer.status)) return on_name(std::move(answer));
    part.answer = answer;
    for (const Part& other : parts_) {
        if (!other.answer) return;
        if (&other != &part) answer = merged(answer, *other.answer);
    }
    on_name(std::move(answer));
}

void AresLookup::on_name(Answer answer) {
    if (answer.status == Answer::ok) answer.found_as = names_[current_];
    if (!is_denial(answer.status)) return finish(std::move(answer));
    denial_ = denial_ ? merged(*denial_, answer) : answer;
    if (++current_ == names_.size()) return finish(std::move(*denial_));
    ask_name();
}

// The callback may destroy this.
void AresLookup::finish(Answer answer) {
    const Done done = std::move(done_);
    done(answer);
}

}  // namespace resolvers
