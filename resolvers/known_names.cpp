#include "resolvers/known_names.hpp"

#include <algorithm>
#include <utility>

#include "resolvers/private_address.hpp"
#include "resolvers/search_list.hpp"

namespace resolvers {

void KnownNames::change(const std::vector<std::string>& names) {
    std::map<std::string, Known> before = std::exchange(names_, {});
    for (const std::string& name : names)
        names_[name] = std::move(before[name]);
}

void KnownNames::take(const ipc::NameNews& news) {
    const auto found = names_.find(news.name);
    if (found == names_.end() || news.unresolved) return;
    found->second = {true, news.addresses};
}

void KnownNames::forget_private(const Settings& settings) {
    const auto may_be_private = [&settings](const std::string& found_as) {
        return in_any_domain(found_as, settings.private_domains);
    };
    for (auto& [name, known] : names_) {
        if (settings.allow_private || std::ranges::none_of(known.addresses, is_private)) continue;
        if (std::ranges::none_of(candidates(name, settings.search, settings.dots), may_be_private))
            known = {};
    }
}

std::map<std::string, KnownNames::Addresses> KnownNames::all() const {
    std::map<std::string, Addresses> all;
    for (const auto& [name, known] : names_)
        if (known.told) all[name] = known.addresses;
    return all;
}

}  // namespace resolvers
