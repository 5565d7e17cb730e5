#include "conf/unit_hint.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace conf {

UnitWords duration_words() {
    static constexpr UnitWord words[] = {
        {"", "s"},        {"s", "s"},      {"sec", "s"},          {"secs", "s"},         {"second", "s"},
        {"seconds", "s"}, {"m", "m"},      {"min", "m"},          {"mins", "m"},         {"minute", "m"},
        {"minutes", "m"}, {"h", "h"},      {"hr", "h"},           {"hrs", "h"},          {"hour", "h"},
        {"hours", "h"},   {"d", "d"},      {"day", "d"},          {"days", "d"},         {"ms", "ms"},
        {"msec", "ms"},   {"msecs", "ms"}, {"millisecond", "ms"}, {"milliseconds", "ms"}};
    return words;
}

UnitWords size_words() {
    static constexpr UnitWord words[] = {{"b", ""},      {"byte", ""},   {"bytes", ""}, {"k", "KiB"},
                                         {"kb", "kB"},   {"kib", "KiB"}, {"m", "MiB"},  {"mb", "MB"},
                                         {"mib", "MiB"}, {"g", "GiB"},   {"gb", "GB"},  {"gib", "GiB"}};
    return words;
}

UnitWords percent_words() {
    static constexpr UnitWord words[] = {{"", "%"}, {"%", "%"}, {"percent", "%"}};
    return words;
}

UnitWords rate_words() {
    static constexpr UnitWord words[] = {{"", "/s"},   {"/s", "/s"},  {"/sec", "/s"},  {"/second", "/s"},
                                         {"ps", "/s"}, {"pps", "/s"}, {"per s", "/s"}, {"per second", "/s"}};
    return words;
}

UnitWords count_words() {
    static constexpr UnitWord words[] = {{"/s", ""}, {"/sec", ""}};
    return words;
}

std::string unit_hint(std::string_view text, UnitWords words,
                      const std::function<bool(const std::string&)>& accepts) {
    const auto trim = [](std::string_view part) {
        part.remove_prefix(std::min(part.find_first_not_of(' '), part.size()));
        return part.substr(0, part.find_last_not_of(' ') + 1);
    };
    text = trim(text);
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const std::string unit = base::lower(trim(text.substr(digits)));
    const auto word = std::ranges::find(words, unit, &UnitWord::written);
    if (digits == 0 || word == words.end()) return "";
    const std::string meant = std::string(text.substr(0, digits)) + std::string(word->meant);
    return accepts(meant) ? "; did you mean '" + meant + "'?" : "";
}

}  // namespace conf
