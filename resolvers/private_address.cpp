#include "resolvers/private_address.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "conf/host_name.hpp"

namespace resolvers {
namespace {

struct Network {
    std::string_view address;
    unsigned prefix;
};

constexpr std::array<Network, 14> networks{{{"0.0.0.0", 8},
                                            {"10.0.0.0", 8},
                                            {"100.64.0.0", 10},
                                            {"127.0.0.0", 8},
                                            {"169.254.0.0", 16},
                                            {"172.16.0.0", 12},
                                            {"192.168.0.0", 16},
                                            {"255.255.255.255", 32},
                                            {"::", 128},
                                            {"::1", 128},
                                            {"fc00::", 7},
                                            {"fe80::", 10},
                                            {"fec0::", 10},
                                            {"64:ff9b:1::", 48}}};

/// IPv6 addresses that contain an IPv4 one, and its offset.
struct Carrier {
    Network network;
    int at;
};
constexpr std::array<Carrier, 2> carriers{{{{"64:ff9b::", 96}, 12}, {{"2002::", 16}, 2}}};

bool lies_in(const base::Address& address, const Network& network) {
    const auto base_address = base::parse_address(network.address);
    return base_address->family == address.family &&
           base::network_of(address, network.prefix).bytes == base_address->bytes;
}

}  // namespace

bool is_private(const base::Address& address) {
    for (const Carrier& carrier : carriers) {
        if (!lies_in(address, carrier.network)) continue;
        base::Address inside = base::Address::any(base::Family::v4);
        std::copy_n(address.bytes.begin() + carrier.at, 4, inside.bytes.begin());
        return is_private(inside);
    }
    return std::any_of(networks.begin(), networks.end(),
                       [&](const Network& network) { return lies_in(address, network); });
}

bool in_any_domain(std::string_view name, const std::vector<std::string>& domains) {
    return std::any_of(domains.begin(), domains.end(),
                       [name](std::string_view domain) { return conf::is_in_domain(name, domain); });
}

}  // namespace resolvers
