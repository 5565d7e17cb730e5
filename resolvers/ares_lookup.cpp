#include "resolvers/ares_lookup.hpp"

#include <algorithm>
#include <utility>

namespace resolvers {
namespace {

using conf::Transport;
using Result = AresExchange::Result;

std::vector<RecordType> types_for(const AresLookup::Subject& subject, conf::Families families) {
    if (subject.reverse) return {RecordType::ptr};
    std::vector<RecordType> types;
    if (families != conf::Families::v6 && subject.family != base::Family::v6) types.push_back(RecordType::a);
    if (families != conf::Families::v4 && subject.family != base::Family::v4)
        types.push_back(RecordType::aaaa);
    return types;
}

base::Family family_of(RecordType type) {
    return type == RecordType::a      ? base::Family::v4
           : type == RecordType::aaaa ? base::Family::v6
                                      : base::Family::none;
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

// Which of two answers the caller has to know: addresses hide the rest, a failure hides a denial.
int rank(const Answer& answer) {
    if (answer.status == Answer::ok) return 3;
    if (is_failure(answer.status)) return 2;
    return answer.status == Answer::no_data ? 1 : 0;
}

}  // namespace

Answer merged(const Answer& one, const Answer& other) {
    if (is_failure(one.status) && is_failure(other.status)) {
        Answer both = one;
        both.detail += "; " + other.detail;
        both.failed = base::Family::none;
        if (other.status != Answer::timed_out) both.status = other.status;
        return both;
    }
    if (one.status != Answer::ok || other.status != Answer::ok) {
        Answer better = rank(one) >= rank(other) ? one : other;
        const Answer& worse = rank(one) >= rank(other) ? other : one;
        if (!is_failure(worse.status)) return better;
        better.failed = worse.failed;
        better.failure = worse.failure;
        return better;
    }
    Answer both = one;
    both.addresses.insert(both.addresses.end(), other.addresses.begin(), other.addresses.end());
    std::sort(both.addresses.begin(), both.addresses.end());
    both.addresses.erase(std::unique(both.addresses.begin(), both.addresses.end()), both.addresses.end());
    both.ttl = std::min(one.ttl, other.ttl);
    return both;
}

AresLookup::AresLookup(NameServers& servers, Subject subject, Done done)
    : servers_(servers), names_(std::move(subject.names)), done_(std::move(done)), wait_(servers.io()) {
    ++servers_.counters().lookups;
    for (const RecordType type : types_for(subject, servers_.settings().families))
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

Answer AresLookup::give_up() const {
    Answer all = failure(Answer::timed_out, progress());
    for (const Part& part : parts_)
        if (part.answer && part.answer->status == Answer::ok) all = *part.answer;
    if (all.status != Answer::ok) return all;
    all.found_as = names_[current_];
    for (const Part& part : parts_) {
        if (part.answer && !is_failure(part.answer->status)) continue;
        all.failed = family_of(part.type);
        all.failure = part.answer ? part.answer->detail : progress();
    }
    return all;
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
    if (is_failure(answer.status)) {
        answer.failed = family_of(part.type);
        answer.failure = answer.detail;
    }
    part.answer = answer;
    for (const Part& other : parts_) {
        if (!other.answer) return answer.status == Answer::ok ? limit_wait() : void();
        if (&other != &part) answer = merged(answer, *other.answer);
    }
    on_name(std::move(answer));
}

// A server that never answers for one family must not hide the addresses of the other.
void AresLookup::limit_wait() {
    wait_.expires_after(servers_.settings().server_timeout);
    wait_.async_wait(alive_.guard([this](const boost::system::error_code& error) {
        if (!error) finish(give_up());
    }));
}

void AresLookup::on_name(Answer answer) {
    wait_.cancel();
    if (answer.status == Answer::ok) answer.found_as = names_[current_];
    // The other family was denied under this name only: the next ones are not known.
    const bool is_last = current_ + 1 == names_.size();
    if (is_failure(answer.status) && !is_last) answer.failed = base::Family::none;
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
