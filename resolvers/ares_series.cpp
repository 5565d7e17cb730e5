#include "resolvers/ares_series.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

namespace resolvers {
namespace {

using Result = AresExchange::Result;

Answer to_answer(const DnsAnswer& found, Answer::Status status, std::size_t server) {
    Answer answer;
    answer.status = status;
    answer.addresses = found.addresses;
    answer.names = found.names;
    answer.ttl = found.ttl;
    answer.detail = "#" + std::to_string(server + 1);
    if (!found.why.empty()) answer.detail.append(" ").append(found.why);
    return answer;
}

}  // namespace

AresSeries::AresSeries(const AresContext& context, std::string name, RecordType type, Done done)
    : context_(context),
      name_(std::move(name)),
      type_(type),
      done_(std::move(done)),
      servers_(context.order.order(base::MonotonicClock::now())),
      said_(servers_.size()) {
    if (servers_.empty())
        boost::asio::post(context_.io, lifetime_.guard([this] { give_up(); }));
    else
        ask(context_.settings.transport);
}

std::string AresSeries::progress() const {
    if (servers_.empty()) return "no name server is configured";
    std::string text;
    for (std::size_t server = 0; server < said_.size(); ++server) {
        if (said_[server].empty()) continue;
        if (!text.empty()) text += ", ";
        text.append("#").append(std::to_string(server + 1)).append(" ").append(said_[server]);
    }
    return text.empty() ? "#" + std::to_string(server() + 1) + " has not answered yet" : text;
}

void AresSeries::ask(Transport transport) {
    transport_ = transport;
    exchange_ = std::make_unique<AresExchange>(context_, context_.settings.servers[server()], transport,
                                               DnsQuestion(name_, type_, Randomness::fresh()), limits(),
                                               [this](const Result& result) { on_result(result); });
}

AresExchange::Limits AresSeries::limits() const {
    const Settings& settings = context_.settings;
    const Duration first = type_ == RecordType::ptr ? settings.reverse_timeout : settings.server_timeout;
    const auto round = std::min<std::size_t>(attempt_ / servers_.size(), 4);
    return {first * (1 << round), settings.connect_timeout};
}

void AresSeries::on_result(const Result& result) {
    if (result.kind == Result::answered) {
        context_.order.answered(server());
        on_answer(result.answer);
        return;
    }
    if (result.kind != Result::unusable) context_.order.failed(server(), base::MonotonicClock::now());
    only_silence_ = only_silence_ && result.kind == Result::silent;
    note(result.answer.why);
    ask_next();
}

void AresSeries::on_answer(const DnsAnswer& answer) {
    switch (answer.verdict) {
        case DnsAnswer::ok:
            return finish(to_answer(answer, Answer::ok, server()));
        case DnsAnswer::no_such_name:
            return finish(to_answer(answer, Answer::no_such_name, server()));
        case DnsAnswer::no_data:
            return finish(to_answer(answer, Answer::no_data, server()));
        case DnsAnswer::truncated:
            if (transport_ == Transport::udp) return ask(Transport::tcp);
            break;
        case DnsAnswer::server_failure:
        case DnsAnswer::not_ours:
        case DnsAnswer::malformed:
            break;
    }
    only_silence_ = false;
    note(answer.why);
    ask_next();
}

void AresSeries::ask_next() {
    ++attempt_;
    if (attempt_ < servers_.size() * std::max(context_.settings.tries, 1u))
        ask(context_.settings.transport);
    else
        give_up();
}

void AresSeries::give_up() {
    Answer answer;
    answer.status = only_silence_ && !servers_.empty() ? Answer::timed_out : Answer::server_failure;
    answer.ttl = context_.settings.ttl.failed;
    answer.detail = progress();
    finish(std::move(answer));
}

void AresSeries::note(std::string_view what) {
    said_[server()] = what;
}

// The callback may destroy this.
void AresSeries::finish(Answer answer) {
    const Done done = std::move(done_);
    done(answer);
}

}  // namespace resolvers
