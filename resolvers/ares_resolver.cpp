#include "resolvers/ares_resolver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "resolvers/ares_lookup.hpp"
#include "resolvers/private_address.hpp"

namespace resolvers {
namespace {

// How soon refreshed names notice a change of the hosts file.
constexpr base::Duration hosts_ttl = std::chrono::seconds(60);

// How long an answer without the addresses of one family is used.
constexpr base::Duration incomplete_ttl = std::chrono::seconds(5);

using base::now;

// The same for all questions with the same answer; empty for a name that is not valid. The trailing dot makes
// a difference, since it excludes the search list.
std::string key_of(const Question& question) {
    if (question.is_reverse()) {
        const auto name = reverse_name(question.address);
        return name.empty() ? "" : "?" + name;
    }
    const auto name = canonical_name(question.name);
    if (!name) return {};
    std::string key = question.name.ends_with('.') ? *name + '.' : *name;
    if (question.family != base::Family::none) key.append("/").append(record_type(question.family));
    return key;
}

}  // namespace

AresResolver::AresResolver(boost::asio::io_context& io, conf::Resolver settings,
                           const ResolverOptions& options)
    : io_(io),
      settings_(std::move(settings)),
      options_(options),
      servers_(io, settings_),
      hosts_(settings_.hosts_file, options.log_hosts_file),
      cache_(options.max_cached) {
    // A file that cannot be read is logged at the start, not when the first name is needed.
    hosts_.table(now());
}

AresResolver::~AresResolver() {
    for (auto& [key, pending] : pending_)
        for (Asker& asker : pending.askers)
            post(std::move(asker.callback), failure(Answer::cancelled, "the resolver was stopped", {}));
}

void AresResolver::ask(Question question, Callback callback) {
    ++servers_.counters().asked;
    const std::string key = key_of(question);
    if (auto answer = own_answer(question, key)) return post(std::move(callback), std::move(*answer));
    if (auto answer = from_cache(question, key))
        return post(std::move(callback), without_private(*answer, question.allow_private));
    if (settings_.servers.empty())
        return post(std::move(callback), failure(Answer::server_failure, "no name server is configured"));
    if (is_full(key))
        return post(
            std::move(callback),
            failure(Answer::busy, fmt::format("{} look-ups and {} askers are waiting", waiting(), askers_)));
    join(key, std::move(question), std::move(callback));
}

std::optional<Answer> AresResolver::own_answer(const Question& question, const std::string& key) {
    if (!question.is_reverse()) {
        if (const auto literal = base::parse_address(question.name)) {
            ++servers_.counters().literals;
            return Answer{.addresses = {*literal}, .ttl = settings_.ttl.max, .detail = "an address"};
        }
    }
    if (key.empty()) return failure(Answer::bad_name, "not a valid host name", settings_.ttl.max);
    return from_hosts(question);
}

std::optional<Answer> AresResolver::from_cache(const Question& question, const std::string& key) {
    if (question.refresh) return std::nullopt;
    auto answer = cache_.find(key, now());
    if (!answer) return std::nullopt;
    ++servers_.counters().cached;
    answer->detail += answer->detail.empty() ? "cached" : ", cached";
    return answer;
}

// What the administrator wrote there may be private.
std::optional<Answer> AresResolver::from_hosts(const Question& question) {
    const HostsTable& table = hosts_.table(now());
    Answer answer{.ttl = std::min(hosts_ttl, settings_.ttl.max), .detail = "hosts file"};
    if (question.is_reverse())
        answer.names = table.names(question.address);
    else
        answer.addresses = table.addresses(*canonical_name(question.name));
    if (answer.addresses.empty() && answer.names.empty()) return std::nullopt;
    ++servers_.counters().hosts;
    return answer;
}

bool AresResolver::is_full(const std::string& key) const {
    if (askers_ >= options_.max_askers) return true;
    return running_ >= options_.max_lookups && waiting() >= options_.max_waiting && !pending_.contains(key);
}

void AresResolver::join(const std::string& key, Question question, Callback callback) {
    const auto timeout = question.timeout > base::Duration::zero() ? question.timeout : settings_.timeout;
    const auto [place, is_new] = pending_.try_emplace(key);
    Pending& pending = place->second;
    ++askers_;
    const auto asker = pending.askers.insert(
        pending.askers.end(),
        Asker{std::move(callback), question.allow_private, boost::asio::steady_timer(io_)});
    start_deadline(key, asker, timeout);
    if (!is_new) {
        ++servers_.counters().joined;
        return;
    }
    pending.question = std::move(question);
    queue_.push_back(key);
    start_waiting();
}

void AresResolver::start_deadline(const std::string& key, std::list<Asker>::iterator asker,
                                  base::Duration timeout) {
    asker->deadline.expires_after(timeout);
    asker->deadline.async_wait(
        asker->alive.guard([this, key, asker](const boost::system::error_code&) { time_out(key, asker); }));
}

void AresResolver::time_out(const std::string& key, std::list<Asker>::iterator asker) {
    const auto pending = pending_.find(key);
    Answer answer = pending->second.lookup ? pending->second.lookup->give_up()
                                           : failure(Answer::timed_out, "waited for other look-ups to end");
    answer = without_private(answer, asker->allow_private);
    const Callback callback = std::move(asker->callback);
    pending->second.askers.erase(asker);
    --askers_;
    if (pending->second.askers.empty()) erase(pending);
    ++servers_.counters().outcomes[answer.status];
    callback(answer);
}

void AresResolver::start_waiting() {
    while (!queue_.empty() && running_ < options_.max_lookups) {
        const auto pending = pending_.find(queue_.front());
        queue_.pop_front();
        start(pending);
    }
}

void AresResolver::start(Pendings::iterator pending) {
    const Question& question = pending->second.question;
    auto names = question.is_reverse() ? std::vector{reverse_name(question.address)}
                                       : candidates(question.name, settings_);
    pending->second.lookup = std::make_unique<AresLookup>(
        servers_, AresLookup::Subject{std::move(names), question.is_reverse(), question.family},
        [this, key = pending->first](const Answer& answer) { on_answer(key, answer); });
    ++running_;
}

void AresResolver::on_answer(const std::string& key, const Answer& answer) {
    Answer cached = answer;
    if (answer.failed != base::Family::none) cached.ttl = std::min(cached.ttl, incomplete_ttl);
    cache_.put(key, cached, now());
    const auto pending = pending_.find(key);
    // Posted: an asker may destroy this object, or ask again at once.
    for (Asker& asker : pending->second.askers)
        post(std::move(asker.callback), without_private(answer, asker.allow_private));
    askers_ -= pending->second.askers.size();
    erase(pending);
}

void AresResolver::erase(Pendings::iterator pending) {
    if (pending->second.lookup)
        --running_;
    else
        std::erase(queue_, pending->first);
    pending_.erase(pending);
    start_waiting();
}

Answer AresResolver::without_private(const Answer& answer, bool allow_private) const {
    if (settings_.allow_private || allow_private) return answer;
    if (in_any_domain(answer.found_as, settings_.private_domains)) return answer;
    const auto found = std::ranges::find_if(answer.addresses, is_private);
    if (found == answer.addresses.end()) return answer;
    return failure(Answer::refused_private,
                   answer.detail + " " + base::to_string(*found) +
                       " is private; to accept it, add its domain to "
                       "resolver.allow-private",
                   answer.ttl);
}

void AresResolver::post(Callback callback, Answer answer) {
    ++servers_.counters().outcomes[answer.status];
    boost::asio::post(io_,
                      [callback = std::move(callback), answer = std::move(answer)] { callback(answer); });
}

std::string AresResolver::info() const {
    const Counters& all = counters();
    std::string text = fmt::format(
        "asked {}, literals {}, hosts file {}, cached {}, joined {}, look-ups {}, sent UDP {}, sent TCP {}, "
        "not ours {}, malformed {}, truncated {}, silent {}, unreachable {}",
        all.asked, all.literals, all.hosts, all.cached, all.joined, all.lookups, all.sent_udp, all.sent_tcp,
        all.not_ours, all.malformed, all.truncated, all.silent, all.unreachable);
    for (std::size_t status = 0; status < all.outcomes.size(); ++status)
        if (all.outcomes[status] != 0)
            text +=
                fmt::format(", {} {}", to_string(static_cast<Answer::Status>(status)), all.outcomes[status]);
    return text +
           fmt::format(", running {}, waiting {}, in the cache {}", running_, waiting(), cache_.size());
}

}  // namespace resolvers
