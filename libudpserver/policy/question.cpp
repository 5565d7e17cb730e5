#include "libudpserver/policy/question.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "base/text.hpp"

namespace policy {

using base::Endpoint;

namespace {

template <typename... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
    throw BadQuestion(fmt::format(format, std::forward<Args>(args)...));
}

std::vector<std::string> words_of(std::string_view text) {
    constexpr std::string_view blanks = " \t\n";
    std::vector<std::string> words;
    for (std::size_t at = 0; (at = text.find_first_not_of(blanks, at)) != text.npos;) {
        const std::size_t end = std::min(text.find_first_of(blanks, at), text.size());
        words.emplace_back(text.substr(at, end - at));
        at = end;
    }
    return words;
}

std::string& part_named(QuestionText& text, std::string_view key) {
    if (key == "from") return text.client;
    if (key == "to") return text.local;
    if (key == "at") return text.time;
    if (key == "dscp") return text.dscp;
    fail("unknown word '{}' (expected from, to, at or dscp)", base::printable(key));
}

std::optional<int> number(std::string_view text, int max) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0 || value > max) return {};
    return value;
}

/// Port 0 when none is given.
Endpoint parse_host(std::string_view text, std::string_view key) {
    if (text.empty()) fail("'{}' is missing", key);
    if (const auto endpoint = base::parse_endpoint(text)) return *endpoint;
    if (const auto address = base::parse_address(text)) return {*address, 0};
    fail("{}: '{}' is not an address, nor an address with a port", key, base::printable(text));
}

std::optional<int> parse_day(std::string_view word) {
    constexpr std::array<std::string_view, 7> days{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    const auto found = std::find(days.begin(), days.end(), base::lower(word));
    return found == days.end() ? std::nullopt : std::optional(static_cast<int>(found - days.begin()));
}

std::optional<int> parse_minute(std::string_view word) {
    const std::size_t colon = word.find(':');
    if (colon == word.npos) return std::nullopt;
    const auto hour = number(word.substr(0, colon), 23), minute = number(word.substr(colon + 1), 59);
    return hour && minute ? std::optional(*hour * 60 + *minute) : std::nullopt;
}

base::LocalTime parse_time(const std::string& text, base::LocalTime time) {
    const std::vector<std::string> words = words_of(text);
    const auto day = words.size() == 2 ? parse_day(words.front()) : std::nullopt;
    const auto minute = words.empty() ? std::nullopt : parse_minute(words.back());
    if (!minute || words.size() > 2 || (words.size() == 2 && !day))
        fail("at: '{}' is not a time (expected [DAY] HH:MM, for example Mon 08:30)", base::printable(text));
    return {day.value_or(time.weekday), *minute};
}

}  // namespace

QuestionText split_question(std::string_view expression) {
    QuestionText text;
    const std::vector<std::string> words = words_of(expression);
    for (std::size_t next = 0; next < words.size();) {
        const std::string& key = words[next++];
        std::string& part = part_named(text, key);
        if (!part.empty()) fail("'{}' is given twice", key);
        if (next == words.size()) fail("no value after '{}'", key);
        part = words[next++];
        if (key == "at" && next < words.size() && part.find(':') == part.npos) part += " " + words[next++];
    }
    return text;
}

Question parse_question(const QuestionText& text, const conf::Config& config, const base::LocalTime& now) {
    Question question{.client = parse_host(text.client, "from"),
                      .local = parse_host(text.local, "to"),
                      .dscp = 0,
                      .time = text.time.empty() ? now : parse_time(text.time, now),
                      .client_names = nullptr};
    if (!text.dscp.empty()) {
        const auto dscp = number(text.dscp, 63);
        if (!dscp) fail("dscp: '{}' is not a number from 0 to 63", base::printable(text.dscp));
        question.dscp = static_cast<std::uint8_t>(*dscp);
    }
    if (question.client.family != question.local.family) fail("'from' and 'to' differ in IP version");
    if (question.local.port == 0)
        if (const auto* listen = listener_of(config, question.local))
            question.local.port = listen->port.first;
    return question;
}

const conf::ListenOn* listener_of(const conf::Config& config, const Endpoint& local) {
    for (const conf::ListenOn& listen : config.listen_on) {
        const bool same = listen.address == local.address() ||
                          (listen.address.family == local.family && listen.address.is_any());
        if (same && (local.port == 0 || listen.port.contains(local.port))) return &listen;
    }
    return nullptr;
}

}  // namespace policy
