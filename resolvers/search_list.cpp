#include "resolvers/search_list.hpp"

#include <algorithm>

#include "resolvers/dns_question.hpp"

namespace resolvers {

std::vector<std::string> candidates(std::string_view name, const std::vector<std::string>& search,
                                    unsigned dots) {
    const auto as_it_is = canonical_name(name);
    if (!as_it_is) return {};
    if (name.ends_with('.')) return {*as_it_is};
    std::vector<std::string> names;
    for (const auto& domain : search)
        if (auto longer = canonical_name(*as_it_is + '.' + domain)) names.push_back(std::move(*longer));
    const bool first = std::count(as_it_is->begin(), as_it_is->end(), '.') >= static_cast<long>(dots);
    names.insert(first ? names.begin() : names.end(), *as_it_is);
    return names;
}

}  // namespace resolvers
