#include "resolvers/private_addresses.hpp"

#include <algorithm>
#include <utility>

#include "resolvers/dns_question.hpp"
#include "resolvers/private_address.hpp"
#include "resolvers/settings.hpp"

namespace resolvers {

PrivateAddresses::PrivateAddresses(conf::Resolver settings)
    : settings_(std::move(settings)), hosts_(settings_.hosts_file, false) {}

std::optional<base::Address> PrivateAddresses::forbidden(const std::string& name,
                                                         const std::vector<base::Address>& addresses,
                                                         base::Instant now) {
    const auto found = std::ranges::find_if(addresses, is_private);
    if (settings_.allow_private || found == addresses.end()) return std::nullopt;
    const auto in_allowed_domain = [this](const std::string& found_as) {
        return in_any_domain(found_as, settings_.private_domains);
    };
    if (std::ranges::any_of(candidates(name, settings_), in_allowed_domain)) return std::nullopt;
    const auto canonical = canonical_name(name);
    const std::vector<base::Address> trusted =
        canonical ? hosts_.table(now).addresses(*canonical) : std::vector<base::Address>();
    const auto forbidden = std::ranges::find_if(addresses, [&trusted](const base::Address& address) {
        return is_private(address) && std::ranges::find(trusted, address) == trusted.end();
    });
    return forbidden == addresses.end() ? std::nullopt : std::optional(*forbidden);
}

}  // namespace resolvers
