#include "libudpserver/session/simulate.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <stdexcept>
#include <vector>

#include "conf/load.hpp"
#include "libudpserver/base/text.hpp"
#include "libudpserver/session/server_choice.hpp"
#include "libudpserver/session/session_acl.hpp"
#include "libudpserver/session/time_window.hpp"

namespace session {

using base::Endpoint;

namespace {

constexpr std::string_view usage =
    "usage: from HOST[:PORT] to HOST[:PORT] [at [DAY] HH:MM] [dscp N]   what happens to this client\n"
    "       show-acl     the policy, defaults included\n"
    "       show-hash    the fingerprint of the configuration\n"
    "       help         this text\n"
    "HOST is an address (IPv6 with a port: [2001:db8::1]:53), DAY is Mon to Sun, N is 0 to 63.\n"
    "Without `at` the time is now; without a port `to` takes the one that the address listens on.\n";

/// A mistake in the expression.
struct Misused : std::runtime_error {
    using std::runtime_error::runtime_error;
};

template <typename... Args>
[[noreturn]] void misused(fmt::format_string<Args...> format, Args&&... args) {
    throw Misused(fmt::format(format, std::forward<Args>(args)...));
}

class Words {
public:
    explicit Words(std::string_view text) {
        constexpr std::string_view blanks = " \t\n";
        for (std::size_t at = 0; (at = text.find_first_not_of(blanks, at)) != text.npos;) {
            const std::size_t end = std::min(text.find_first_of(blanks, at), text.size());
            words_.push_back(text.substr(at, end - at));
            at = end;
        }
    }
    [[nodiscard]] bool more() const { return next_ < words_.size(); }
    [[nodiscard]] std::string_view peek() const { return more() ? words_[next_] : std::string_view(); }
    std::string_view take(std::string_view after) {
        if (!more()) misused("something is missing after '{}'", after);
        return words_[next_++];
    }

private:
    std::vector<std::string_view> words_;
    std::size_t next_ = 0;
};

std::optional<int> number(std::string_view text, int highest) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0 || value > highest) return {};
    return value;
}

/// Port 0 when none is given.
Endpoint parse_host(std::string_view word, std::string_view key) {
    if (const auto endpoint = base::parse_endpoint(word)) return *endpoint;
    if (const auto address = base::parse_address(word)) return {*address, 0};
    misused("{}: '{}' is not an address, nor an address with a port", key, base::printable(word));
}

std::optional<int> parse_day(std::string_view word) {
    constexpr std::array<std::string_view, 7> days{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    std::string lower(word);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return 'A' <= c && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    const auto found = std::find(days.begin(), days.end(), lower);
    return found == days.end() ? std::nullopt : std::optional(static_cast<int>(found - days.begin()));
}

base::LocalTime parse_time(Words& words, base::LocalTime time) {
    std::string_view word = words.take("at");
    if (const auto day = parse_day(word)) {
        time.weekday = *day;
        word = words.take(word);
    }
    const std::size_t colon = std::min(word.find(':'), word.size());
    const auto hour = number(word.substr(0, colon), 23);
    const auto minute = number(word.substr(std::min(colon + 1, word.size())), 59);
    if (!hour || !minute)
        misused("at: '{}' is neither a day nor a time such as 08:30", base::printable(word));
    time.minute = *hour * 60 + *minute;
    return time;
}

const conf::ListenOn* listener_of(const conf::Config& config, const Endpoint& local) {
    for (const conf::ListenOn& listen : config.listen_on) {
        const bool same = listen.address == local.address() ||
                          (listen.address.family == local.family && listen.address.is_any());
        if (same && (local.port == 0 || listen.port.contains(local.port))) return &listen;
    }
    return nullptr;
}

Question parse_question(const conf::Config& config, Words& words, const base::LocalTime& now) {
    Question question;
    question.time = now;
    std::vector<std::string_view> seen;
    while (words.more()) {
        const std::string_view key = words.take("");
        if (std::find(seen.begin(), seen.end(), key) != seen.end()) misused("'{}' is given twice", key);
        if (key == "from") {
            question.client = parse_host(words.take(key), key);
        } else if (key == "to") {
            question.local = parse_host(words.take(key), key);
        } else if (key == "at") {
            question.time = parse_time(words, question.time);
        } else if (key == "dscp") {
            const std::string_view word = words.take(key);
            const auto value = number(word, 63);
            if (!value) misused("dscp: '{}' is not a number from 0 to 63", base::printable(word));
            question.dscp = static_cast<std::uint8_t>(*value);
        } else {
            misused("'{}' is not known here, expected from, to, at or dscp", base::printable(key));
        }
        seen.push_back(key);
    }
    if (question.client.family == base::Family::none) misused("'from' is missing");
    if (question.local.family == base::Family::none) misused("'to' is missing");
    if (question.client.family != question.local.family)
        misused("'from' and 'to' are of different IP versions");
    if (question.local.port == 0)
        if (const auto* listen = listener_of(config, question.local))
            question.local.port = listen->port.first;
    return question;
}

std::string verdict(const conf::Rule& rule, const Question& question) {
    if (rule.action == conf::Action::deny) return fmt::format("denied by rule {}\n", rule.name);
    const std::size_t server = choose_server(rule.plug_to, question.client.address());
    if (server == rule.plug_to.size())
        return fmt::format("refused: rule {} accepts, but has no plug-to\n", rule.name);
    return fmt::format("accepted by rule {}, server {}\n", rule.name,
                       base::to_string(rule.plug_to[server].endpoint));
}

std::string simulate_client(const conf::Config& config, const Question& question) {
    const SessionAcl acl(config);
    const std::string port = question.client.port == 0 ? " (any port)" : "";
    std::string text = fmt::format(
        "client {}{} to {} at {} dscp {}\n",
        port.empty() ? base::to_string(question.client) : base::to_string(question.client.address()), port,
        base::to_string(question.local), to_string(question.time), question.dscp);
    const auto steps = acl.explain(question);
    for (const auto& step : steps)
        text += fmt::format("rule {}: {}: {}\n", acl.rule(step.rule).name, step.matched ? "matches" : "no",
                            step.why);
    text += steps.empty() || !steps.back().matched ? "denied: no rule matches\n"
                                                   : verdict(acl.rule(steps.back().rule), question);
    // Last, because it makes the verdict worth nothing.
    if (listener_of(config, question.local) == nullptr)
        text += "note: nothing listens there, so the proxy never sees this client; see listen-on\n";
    return text;
}

/// The section of the effective configuration: the same words, in the same form, as the user's file.
std::string show_acl(const conf::Config& config) {
    const std::string all = conf::print(config);
    std::string section;
    bool inside = false;
    for (std::size_t at = 0; at < all.size();) {
        const std::size_t end = std::min(all.find('\n', at), all.size() - 1) + 1;
        const std::string_view line = std::string_view(all).substr(at, end - at);
        const bool begins_section = line[0] != ' ' && line[0] != '-' && line[0] != '\n';
        if (begins_section) inside = line.starts_with("session-acl:");
        if (inside) section += line;
        at = end;
    }
    return section.empty() ? "session-acl: []\n" : section;
}

Simulation command(std::string_view word, const conf::Config& config) {
    if (word == "help") return {std::string(usage), true};
    if (word == "show-hash") return {fmt::format("{:016x}\n", conf::fingerprint(config)), true};
    return {show_acl(config), true};
}

}  // namespace

Simulation simulate(const conf::Config& config, std::string_view expression, const base::LocalTime& now) {
    try {
        Words words(expression);
        if (!words.more()) misused("the expression is empty");
        const std::string_view first = words.peek();
        if (first == "help" || first == "show-acl" || first == "show-hash") {
            words.take(first);
            if (words.more()) misused("nothing is expected after '{}'", first);
            return command(first, config);
        }
        return {simulate_client(config, parse_question(config, words, now)), true};
    } catch (const Misused& error) {
        return {fmt::format("{}\n{}", error.what(), usage), false};
    }
}

}  // namespace session
