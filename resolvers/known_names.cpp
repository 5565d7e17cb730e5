#include "resolvers/known_names.hpp"

#include <utility>

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

std::map<std::string, KnownNames::Addresses> KnownNames::all() const {
    std::map<std::string, Addresses> all;
    for (const auto& [name, known] : names_)
        if (known.told) all[name] = known.addresses;
    return all;
}

}  // namespace resolvers
