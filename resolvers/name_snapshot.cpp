#include "resolvers/name_snapshot.hpp"

#include <algorithm>
#include <utility>

#include "resolvers/private_address.hpp"
#include "resolvers/settings.hpp"

namespace resolvers {

bool NameSnapshot::set_names(const std::vector<std::string>& names) {
    const auto before = std::exchange(names_, {});
    std::size_t kept = 0;
    for (const std::string& name : names) {
        const auto known = before.find(name);
        if (known != before.end()) ++kept;
        names_[name] = known == before.end() ? std::nullopt : known->second;
    }
    return kept < before.size() || kept < names_.size();
}

void NameSnapshot::apply(const ipc::NameUpdate& update) {
    const auto found = names_.find(update.name);
    if (found != names_.end() && !update.unresolved) found->second = update.addresses;
}

void NameSnapshot::forget_private(const conf::Resolver& settings) {
    if (settings.allow_private) return;
    const auto may_be_private = [&settings](const std::string& found_as) {
        return in_any_domain(found_as, settings.private_domains);
    };
    for (auto& [name, addresses] : names_) {
        if (!addresses || std::ranges::none_of(*addresses, is_private)) continue;
        if (std::ranges::none_of(candidates(name, settings), may_be_private)) addresses.reset();
    }
}

std::map<std::string, NameSnapshot::Addresses> NameSnapshot::resolved() const {
    std::map<std::string, Addresses> resolved;
    for (const auto& [name, addresses] : names_)
        if (addresses) resolved[name] = *addresses;
    return resolved;
}

}  // namespace resolvers
