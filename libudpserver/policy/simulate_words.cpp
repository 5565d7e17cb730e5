#include "libudpserver/policy/simulate_words.hpp"

#include <algorithm>

namespace policy {

Words::Words(std::string_view text) {
    constexpr std::string_view blanks = " \t\n";
    for (std::size_t at = 0; (at = text.find_first_not_of(blanks, at)) != text.npos;) {
        const std::size_t end = std::min(text.find_first_of(blanks, at), text.size());
        words_.push_back(text.substr(at, end - at));
        at = end;
    }
}

std::string_view Words::take(std::string_view after) {
    if (!more()) misused("something is missing after '{}'", after);
    return words_[next_++];
}

}  // namespace policy
