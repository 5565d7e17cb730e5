#include "base/text.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/utf8.hpp"

namespace base {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t value;
};

// Largest first: the first unit that divides a value gives its shortest form.
constexpr Unit duration_units[] = {
    {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}};
constexpr Unit size_units[] = {{"GiB", 1ull << 30},
                               {"GB", 1'000'000'000},
                               {"MiB", 1ull << 20},
                               {"MB", 1'000'000},
                               {"KiB", 1024},
                               {"kB", 1000},
                               {"", 1}};

// Digits, then the name of one of the units, and nothing else; nothing when the product is above `limit`.
template <std::size_t count>
std::optional<std::uint64_t> parse_amount(std::string_view text, const Unit (&units)[count],
                                          std::uint64_t limit) {
    std::uint64_t number = 0;
    const auto* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{}) return std::nullopt;
    const std::string_view name(stop, static_cast<std::size_t>(end - stop));
    const auto* unit =
        std::find_if(std::begin(units), std::end(units), [&](const Unit& u) { return u.name == name; });
    if (unit == std::end(units) || number > limit / unit->value) return std::nullopt;
    return number * unit->value;
}

std::string with_unit(std::uint64_t amount, const Unit& unit) {
    return std::to_string(amount / unit.value).append(unit.name);
}

// Edit distance with neighbours swapped as one edit, upper and lower case equal; three rows are enough.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j)
        row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        before.swap(above);
        above.swap(row);
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const bool same = lower(a[i - 1]) == lower(b[j - 1]);
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1)});
            const bool swapped =
                i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
            if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
        }
    }
    return row[b.size()];
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
    const auto amount = parse_amount(text, duration_units, std::numeric_limits<Duration::rep>::max());
    if (!amount) return std::nullopt;
    return Duration(static_cast<Duration::rep>(*amount));
}

std::string format_duration(Duration duration) {
    if (duration == Duration::zero()) return "0s";
    const bool negative = duration < Duration::zero();
    const auto count = static_cast<std::uint64_t>(duration.count());
    const auto amount = negative ? 0 - count : count;
    const auto* unit = std::find_if(std::begin(duration_units), std::end(duration_units),
                                    [&](const Unit& u) { return amount % u.value == 0; });
    return (negative ? "-" : "") + with_unit(amount, *unit);
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    return parse_amount(text, size_units, std::numeric_limits<std::uint64_t>::max());
}

std::string format_size(std::uint64_t bytes) {
    std::string shortest = std::to_string(bytes);
    bool plain = true;
    for (const auto& unit : size_units) {
        if (bytes == 0 || unit.value == 1 || bytes % unit.value != 0) continue;
        auto text = with_unit(bytes, unit);
        // Of equal length, a unit reads better than digits, and the larger unit better than the smaller.
        if (plain ? text.size() > shortest.size() : text.size() >= shortest.size()) continue;
        shortest = std::move(text);
        plain = false;
    }
    return shortest;
}

std::string printable(std::string_view text, std::size_t limit) {
    if (limit == 0) return {};
    std::string out;
    std::size_t characters = 0;
    std::size_t room_for_mark = 0;  // where to cut if the remaining text does not fit
    while (!text.empty()) {
        const auto length = visible_character(text);
        const bool plain = length > 0 && text.front() != '"' && text.front() != '\\';
        const auto piece = plain        ? std::string(text.substr(0, length))
                           : length > 0 ? std::string{'\\', text.front()}
                                        : escaped(text.front());
        characters += plain ? 1 : piece.size();
        if (characters > limit) {
            out.resize(room_for_mark);
            return out + "…";
        }
        out += piece;
        if (characters < limit) room_for_mark = out.size();
        text.remove_prefix(plain ? length : 1);
    }
    return out;
}

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result)
        c = lower(c);
    return result;
}

std::string upper(std::string_view text) {
    std::string result(text);
    for (char& c : result)
        if ('a' <= c && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return result;
}

std::string joined(const std::vector<std::string>& texts, std::string_view separator) {
    std::string result;
    for (const std::string& text : texts) {
        if (&text != &texts.front()) result += separator;
        result += text;
    }
    return result;
}

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates) {
    // A longer word is not a typing mistake, and the cost of the distance is quadratic.
    constexpr std::size_t max_word = 64;
    if (word.empty() || word.size() > max_word) return std::nullopt;
    const std::string* best = nullptr;
    std::size_t best_distance = std::min<std::size_t>((word.size() + 2) / 3, 3) + 1;
    for (const auto& candidate : candidates) {
        if (candidate.size() > max_word) continue;
        const auto distance = edit_distance(word, candidate);
        // At a distance of the whole length the two have nothing in common.
        if (distance >= best_distance || distance >= std::max(word.size(), candidate.size())) continue;
        best = &candidate;
        best_distance = distance;
    }
    return best != nullptr ? std::optional(*best) : std::nullopt;
}

}  // namespace base
