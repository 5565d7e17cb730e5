#include "conf/value_type.hpp"

#include <algorithm>
#include <charconv>

#include "base/text.hpp"
#include "conf/unit_hint.hpp"

namespace conf {
namespace {

constexpr std::size_t max_path_length = 4095;
constexpr std::uint64_t max_rate = 10'000'000;

bool is_word_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

bool is_between(std::optional<Duration> value, Duration min, Duration max) {
    return value && *value >= min && *value <= max;
}

/// An expectation that is a pure function of the text.
template <typename T, typename Parse>
ValueType<T> from_text(const std::string& expected, Parse parse) {
    auto read = [=](const NodeRef& ref) -> std::optional<T> {
        const std::string* text = ref.scalar(expected);
        if (!text) return std::nullopt;
        std::optional<T> value = parse(*text);
        if (!value) ref.refuse("invalid value " + quote(*text), expected);
        return value;
    };
    return {expected, read};
}

/// The same for a number with a unit.
template <typename T, typename Parse>
ValueType<T> with_unit(const std::string& expected, UnitWords words, Parse parse) {
    const auto accepts = [parse](const std::string& text) { return parse(text).has_value(); };
    auto read = [=](const NodeRef& ref) -> std::optional<T> {
        const std::string* text = ref.scalar(expected);
        if (!text) return std::nullopt;
        std::optional<T> value = parse(*text);
        if (!value) ref.refuse("invalid value " + quote(*text), expected + unit_hint(*text, words, accepts));
        return value;
    };
    return {expected, read};
}

std::string between(const std::string& min, const std::string& max) {
    return min + " to " + max;
}

}  // namespace

std::optional<std::uint64_t> parse_whole_number(std::string_view text) {
    std::uint64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, failure] = std::from_chars(text.data(), end, value);
    if (text.empty() || failure != std::errc{} || stop != end) return std::nullopt;
    if (text.size() > 1 && text.front() == '0') return std::nullopt;
    return value;
}

ValueType<std::uint64_t> whole_number(std::uint64_t min, std::uint64_t max) {
    const std::string expected = "a whole number from " + between(std::to_string(min), std::to_string(max));
    const auto parse = [=](const std::string& text) -> std::optional<std::uint64_t> {
        const auto value = parse_whole_number(text);
        return value && *value >= min && *value <= max ? value : std::nullopt;
    };
    return with_unit<std::uint64_t>(expected, count_words(), parse);
}

ValueType<Duration> duration(Duration min, Duration max) {
    const std::string expected = "a duration, for example 500ms, 30s, 5m, 1h or 1d, from " +
                                 between(base::format_duration(min), base::format_duration(max));
    const auto parse = [=](const std::string& text) {
        const auto value = base::parse_duration(text);
        return is_between(value, min, max) ? value : std::nullopt;
    };
    return with_unit<Duration>(expected, duration_words(), parse);
}

ValueType<std::uint64_t> size(std::uint64_t max, std::uint64_t min) {
    const std::string expected = "a size, for example 512, 64KiB or 1MB, " +
                                 (min == 0 ? "at most " : "from " + base::format_size(min) + " to ") +
                                 base::format_size(max);
    const auto parse = [=](const std::string& text) -> std::optional<std::uint64_t> {
        const auto value = base::parse_size(text);
        return value && *value >= min && *value <= max ? value : std::nullopt;
    };
    return with_unit<std::uint64_t>(expected, size_words(), parse);
}

ValueType<unsigned> percent() {
    return with_unit<unsigned>(
        "a percentage from 1% to 100%", percent_words(),
        [](const std::string& text) -> std::optional<unsigned> {
            if (!text.ends_with('%')) return std::nullopt;
            const auto value = parse_whole_number(std::string_view(text).substr(0, text.size() - 1));
            return value && *value >= 1 && *value <= 100 ? std::optional(static_cast<unsigned>(*value))
                                                         : std::nullopt;
        });
}

ValueType<std::uint32_t> rate() {
    return with_unit<std::uint32_t>(
        "a rate per second, for example 1000/s, at most 10000000/s, or 0", rate_words(),
        [](const std::string& text) -> std::optional<std::uint32_t> {
            const bool has_unit = text.ends_with("/s");
            const auto value = parse_whole_number(text.substr(0, text.size() - (has_unit ? 2 : 0)));
            const bool is_good = value && *value <= max_rate && (has_unit || *value == 0);
            return is_good ? std::optional(static_cast<std::uint32_t>(*value)) : std::nullopt;
        });
}

ValueType<bool> boolean() {
    return choice<bool>({{"true", true}, {"false", false}});
}

bool is_word(std::string_view text, std::size_t max_length) {
    return !text.empty() && text.size() <= max_length &&
           std::all_of(text.begin(), text.end(), is_word_character);
}

bool is_absolute_path(std::string_view text) {
    const bool has_control =
        std::any_of(text.begin(), text.end(), [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; });
    return text.size() > 1 && text.front() == '/' && text.back() != '/' && text.size() <= max_path_length &&
           !has_control;
}

ValueType<std::string> word(std::size_t max_length) {
    const std::string expected = "1 to " + std::to_string(max_length) + " letters, digits, '.', '_' or '-'";
    return from_text<std::string>(expected, [=](const std::string& text) {
        return is_word(text, max_length) ? std::optional(text) : std::nullopt;
    });
}

ValueType<std::string> absolute_path() {
    return from_text<std::string>("an absolute file path", [](const std::string& text) {
        return is_absolute_path(text) ? std::optional(text) : std::nullopt;
    });
}

std::optional<PortRange> parse_ports(std::string_view text) {
    const std::size_t dash = text.find('-');
    const auto first = parse_whole_number(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_whole_number(text.substr(dash + 1));
    if (!first || !last || *first > 65535 || *last > 65535) return std::nullopt;
    return PortRange{static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)};
}

ValueType<PortRange> ports(bool zero) {
    const std::string expected =
        zero ? "a port or a range like 5060-5070, from 1 to 65535, or 0 for any free port"
             : "a port or a range like 20000-29999, from 1 to 65535";
    auto read = [=](const NodeRef& ref) -> std::optional<PortRange> {
        const std::string* text = ref.scalar(expected);
        if (!text) return std::nullopt;
        const auto range = parse_ports(*text);
        const bool reversed = range && range->first > range->last;
        const bool bad_zero = range && range->first == 0 && !(zero && range->last == 0 && *text == "0");
        if (range && !reversed && !bad_zero) return range;
        ref.refuse((reversed ? "reversed range " : "invalid port ") + quote(*text), expected);
        return std::nullopt;
    };
    return {expected, read};
}

ValueType<Address> address() {
    return from_text<Address>("an IPv4 or IPv6 address",
                              [](const std::string& text) { return base::parse_address(text); });
}

bool lacks_interface(const Address& address) {
    return base::needs_scope(address) && address.scope == 0;
}

void refuse_without_interface(const NodeRef& ref, const Address& address) {
    const std::string text = base::to_string(address);
    ref.refuse(quote(text) + " is an address of every link and lacks its interface",
               "'" + text + "%INTERFACE', for example '" + text + "%eth0'");
}

std::string alternatives(const std::vector<std::string>& words) {
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i) {
        text += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
    }
    return text;
}

}  // namespace conf
