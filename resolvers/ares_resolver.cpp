#include "resolvers/ares_resolver.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "resolvers/ares_lookup.hpp"
#include "resolvers/private_address.hpp"
#include "resolvers/search_list.hpp"

namespace resolvers {
namespace {

// How soon a change of the hosts file is noticed by those who refresh.
constexpr Duration hosts_ttl = std::chrono::seconds(60);

using base::now;

// What is the same for all questions with the same answer. Empty for a name that cannot exist. The dot at the
// end makes a difference: it excludes the search list.
std::string key_of(const Question& question) {
    if (question.is_reverse()) {
        const auto name = reverse_name(question.address);
        return name.empty() ? "" : "?" + name;
    }
    const auto name = canonical_name(question.name);
    if (!name) return {};
    return question.name.ends_with('.') ? *name + '.' : *name;
}

Answer failure(Answer::Status status, std::string detail, Duration ttl) {
    return {.status = status, .ttl = ttl, .detail = std::move(detail)};
}

}  // namespace

AresResolver::AresResolver(boost::asio::io_context& io, Settings settings)
    : io_(io),
      settings_(std::move(settings)),
      order_(settings_.servers.size()),
      hosts_(settings_.hosts_file, settings_.hosts_file_told),
      cache_(settings_.max_cached) {
    auto& ttl = settings_.ttl;
    ttl.most = std::max(ttl.least, ttl.most);
    ttl.most_denied = std::max(ttl.least_denied, ttl.most_denied);
    // Whoever cannot read the file says so when it starts, not when the first name is needed.
    hosts_.table(now());
}

AresResolver::~AresResolver() {
    for (auto& [key, pending] : pending_)
        for (Asker& asker : pending.askers)
            post(std::move(asker.callback), failure(Answer::cancelled, "the resolver ends", {}));
}

void AresResolver::ask(Question question, Callback callback) {
    ++counters_.asked;
    const std::string key = key_of(question);
    if (auto answer = own_answer(question, key)) return post(std::move(callback), std::move(*answer));
    if (auto answer = from_cache(question, key))
        return post(std::move(callback), judged(*answer, question.allow_private));
    if (full(key)) {
        auto text = std::to_string(waiting()) + " look-ups and " + std::to_string(askers_) + " askers wait";
        return post(std::move(callback), failure(Answer::busy, std::move(text), settings_.ttl.failed));
    }
    join(key, std::move(question), std::move(callback));
}

std::optional<Answer> AresResolver::own_answer(const Question& question, const std::string& key) {
    if (!question.is_reverse()) {
        if (const auto literal = base::parse_address(question.name)) {
            ++counters_.literals;
            return Answer{Answer::ok, {*literal}, {}, settings_.ttl.most, "an address"};
        }
    }
    if (key.empty()) return failure(Answer::bad_name, "no host can have this name", settings_.ttl.most);
    return from_hosts(question);
}

std::optional<Answer> AresResolver::from_cache(const Question& question, const std::string& key) {
    if (question.refresh) return std::nullopt;
    auto answer = cache_.find(key, now());
    if (!answer) return std::nullopt;
    ++counters_.cached;
    answer->detail += answer->detail.empty() ? "cached" : ", cached";
    return answer;
}

// What the administrator wrote there may be private.
std::optional<Answer> AresResolver::from_hosts(const Question& question) {
    const HostsTable& table = hosts_.table(now());
    Answer answer{Answer::ok, {}, {}, std::min(hosts_ttl, settings_.ttl.most), "hosts file"};
    if (!question.is_reverse())
        answer.addresses = table.addresses(*canonical_name(question.name));
    else
        answer.names = table.names(question.address);
    if (answer.addresses.empty() && answer.names.empty()) return std::nullopt;
    ++counters_.hosts;
    return answer;
}

bool AresResolver::full(const std::string& key) const {
    if (askers_ >= settings_.max_askers) return true;
    return running_ >= settings_.max_lookups && waiting() >= settings_.max_waiting && !pending_.contains(key);
}

void AresResolver::join(const std::string& key, Question question, Callback callback) {
    const Duration limit = question.timeout > Duration::zero() ? question.timeout : settings_.timeout;
    const auto [place, is_new] = pending_.try_emplace(key);
    Pending& pending = place->second;
    ++askers_;
    const auto asker = pending.askers.insert(
        pending.askers.end(),
        Asker{std::move(callback), question.allow_private, boost::asio::steady_timer(io_)});
    start_deadline(key, asker, limit);
    if (!is_new) {
        ++counters_.joined;
        return;
    }
    pending.question = std::move(question);
    queue_.push_back(key);
    start_waiting();
}

void AresResolver::start_deadline(const std::string& key, std::list<Asker>::iterator asker, Duration limit) {
    asker->deadline.expires_after(limit);
    asker->deadline.async_wait(
        asker->lifetime.guard([this, key, asker](const boost::system::error_code&) { give_up(key, asker); }));
}

void AresResolver::give_up(const std::string& key, std::list<Asker>::iterator asker) {
    const auto pending = pending_.find(key);
    auto detail = pending->second.lookup ? pending->second.lookup->progress()
                                         : std::string("no place among the running look-ups");
    const Callback callback = std::move(asker->callback);
    pending->second.askers.erase(asker);
    --askers_;
    if (pending->second.askers.empty()) erase(pending);
    ++counters_.outcomes[Answer::timed_out];
    callback(failure(Answer::timed_out, std::move(detail), settings_.ttl.failed));
}

void AresResolver::start_waiting() {
    while (!queue_.empty() && running_ < settings_.max_lookups) {
        const auto pending = pending_.find(queue_.front());
        queue_.pop_front();
        start(pending);
    }
}

void AresResolver::start(Pendings::iterator pending) {
    const Question& question = pending->second.question;
    std::vector<std::string> names;
    if (question.is_reverse())
        names.push_back(reverse_name(question.address));
    else
        names = candidates(question.name, settings_.search, settings_.dots);
    pending->second.lookup = std::make_unique<AresLookup>(
        AresContext{io_, settings_, counters_, order_, channels_}, question.is_reverse(), std::move(names),
        [this, key = pending->first](const Answer& answer) { on_answer(key, answer); });
    ++running_;
}

void AresResolver::on_answer(const std::string& key, const Answer& answer) {
    cache_.put(key, answer, now());
    const auto pending = pending_.find(key);
    // Posted: an asker may destroy this object, or ask again at once.
    for (Asker& asker : pending->second.askers)
        post(std::move(asker.callback), judged(answer, asker.allow_private));
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

Answer AresResolver::judged(const Answer& answer, bool allow_private) const {
    if (settings_.allow_private || allow_private) return answer;
    if (in_any_domain(answer.found_as, settings_.private_domains)) return answer;
    const auto found = std::find_if(answer.addresses.begin(), answer.addresses.end(), is_private);
    if (found == answer.addresses.end()) return answer;
    return failure(Answer::refused_private, answer.detail + " " + base::to_string(*found) + " is private",
                   answer.ttl);
}

void AresResolver::post(Callback callback, Answer answer) {
    ++counters_.outcomes[answer.status];
    boost::asio::post(io_,
                      [callback = std::move(callback), answer = std::move(answer)] { callback(answer); });
}

std::string AresResolver::info() const {
    return counters_.text() + ", running " + std::to_string(running_) + ", waiting " +
           std::to_string(waiting()) + ", in the cache " + std::to_string(cache_.size());
}

}  // namespace resolvers
