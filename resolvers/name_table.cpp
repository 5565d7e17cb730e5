#include "resolvers/name_table.hpp"

#include <algorithm>

namespace resolvers {
namespace {

using Addresses = NameTable::Addresses;

Addresses normalised(Addresses addresses) {
    std::sort(addresses.begin(), addresses.end());
    addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
    return addresses;
}

}  // namespace

bool NameTable::update(const std::string& name, const Answer& answer, base::Instant now) {
    add(name, now);
    Known& known = names_.find(name)->second;
    const Addresses before = known.addresses;
    if (answer.status == Answer::ok) {
        known.addresses = normalised(answer.addresses);
        known.good_until = now + answer.ttl;
    } else if (is_denial(answer.status) || now >= known.good_until + stale_max_) {
        known.addresses.clear();
    }
    return known.addresses != before;
}

const Addresses& NameTable::addresses(const std::string& name) const {
    static const Addresses none;
    const auto found = names_.find(name);
    return found == names_.end() ? none : found->second.addresses;
}

std::optional<base::Instant> NameTable::good_until(const std::string& name) const {
    const auto found = names_.find(name);
    if (found == names_.end()) return std::nullopt;
    return found->second.good_until;
}

std::optional<base::Instant> NameTable::given_up_at(const std::string& name) const {
    const auto until = good_until(name);
    if (!until) return std::nullopt;
    return *until + stale_max_;
}

bool NameTable::stale(const std::string& name, base::Instant now) const {
    const auto found = names_.find(name);
    return found != names_.end() && !found->second.addresses.empty() && now >= found->second.good_until;
}

std::string to_string(const Addresses& addresses) {
    if (addresses.empty()) return "nothing";
    std::string text;
    for (const auto& address : addresses)
        text += (text.empty() ? "" : ", ") + base::to_string(address);
    return text;
}

}  // namespace resolvers
