#include "resolvers/name_table.hpp"

#include <algorithm>
#include <iterator>

namespace resolvers {
namespace {

using Addresses = NameTable::Addresses;

Addresses normalised(Addresses addresses) {
    std::sort(addresses.begin(), addresses.end());
    addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
    return addresses;
}

Addresses merged(const Addresses& one, const Addresses& other) {
    Addresses both;
    std::merge(one.begin(), one.end(), other.begin(), other.end(), std::back_inserter(both));
    return both;
}

std::string listed(const Addresses& addresses) {
    if (addresses.empty()) return "nothing";
    std::string text;
    for (const auto& address : addresses)
        text += (text.empty() ? "" : ", ") + base::to_string(address);
    return text;
}

}  // namespace

NameChange NameTable::update(const std::string& name, const Answer& answer, base::Instant now) {
    Known& known = names_[name];
    Addresses before = known.addresses;
    if (answer.status == Answer::ok) {
        known.addresses = normalised(answer.addresses);
        known.good_until = now + answer.ttl;
    } else if (is_denial(answer.status) || now >= known.good_until + stale_max_) {
        known.addresses.clear();
    }
    return difference(before, known.addresses);
}

const Addresses& NameTable::addresses(const std::string& name) const {
    static const Addresses none;
    const auto found = names_.find(name);
    return found == names_.end() ? none : found->second.addresses;
}

bool NameTable::stale(const std::string& name, base::Instant now) const {
    const auto found = names_.find(name);
    return found != names_.end() && !found->second.addresses.empty() && now >= found->second.good_until;
}

NameChange difference(const Addresses& before, const Addresses& after) {
    NameChange change;
    std::set_difference(after.begin(), after.end(), before.begin(), before.end(),
                        std::back_inserter(change.added));
    std::set_difference(before.begin(), before.end(), after.begin(), after.end(),
                        std::back_inserter(change.removed));
    std::set_intersection(before.begin(), before.end(), after.begin(), after.end(),
                          std::back_inserter(change.unchanged));
    return change;
}

std::string to_string(const std::string& name, const NameChange& change) {
    return "name " + name + ": " + listed(merged(change.unchanged, change.removed)) + " -> " +
           listed(merged(change.unchanged, change.added));
}

}  // namespace resolvers
