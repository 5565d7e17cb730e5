#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

/// What was probably meant by a number with a wrong unit or without one.
namespace conf {

/// A unit as people write it, in lower case, and as the configuration has it.
struct UnitWord {
    std::string_view written, meant;
};
using UnitWords = std::span<const UnitWord>;

UnitWords duration_words();
UnitWords size_words();
UnitWords percent_words();
UnitWords rate_words();
/// Of numbers that have no unit.
UnitWords count_words();

/// `; did you mean '30s'?` for `30`, `30 sec` or `30S`, if `accepts` takes the result; otherwise empty.
std::string unit_hint(std::string_view text, UnitWords words,
                      const std::function<bool(const std::string&)>& accepts);

}  // namespace conf
