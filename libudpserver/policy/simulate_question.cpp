#include "libudpserver/policy/simulate_question.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <vector>

#include "base/text.hpp"

namespace policy {

using base::Endpoint;

namespace {

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

}  // namespace

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

}  // namespace policy
