#include "libudpserver/policy/targets.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "base/log.hpp"
#include "base/siphash.hpp"
#include "conf/address_block.hpp"

namespace policy {

using base::Address;
using base::Family;

namespace {

// Must never change: with another key every client would move to another server at an upgrade.
constexpr base::SipKey fixed_key{0x70726f7879642d31, 0x7365727665722d31};

/// In (0, 1), independent for each pair. Leaves scopes out: a reboot may renumber interfaces.
double draw(const base::Address& client, const base::Endpoint& server) {
    std::array<std::byte, 36> bytes{};
    std::memcpy(bytes.data(), client.bytes.data(), 16);
    std::memcpy(bytes.data() + 16, server.bytes.data(), 16);
    bytes[32] = static_cast<std::byte>(client.family);
    bytes[33] = static_cast<std::byte>(server.family);
    bytes[34] = static_cast<std::byte>(server.port & 0xff);
    bytes[35] = static_cast<std::byte>(server.port >> 8);
    const std::uint64_t hash = base::SipHash<2, 4>::hash(fixed_key, bytes);
    return (static_cast<double>(hash >> 11) + 0.5) * 0x1p-53;
}

bool is_limited_broadcast(const Address& address) {
    return address.family == Family::v4 && std::all_of(address.bytes.begin(), address.bytes.begin() + 4,
                                                       [](auto byte) { return byte == 255; });
}

/// A link-local server may be configured without its interface.
bool same_host(const Address& a, const Address& b) {
    return a.family == b.family && a.bytes == b.bytes && (a.scope == b.scope || a.scope == 0 || b.scope == 0);
}

}  // namespace

std::size_t choose_server(const std::vector<conf::Server>& servers, const base::Address& client,
                          const IsAvoided& is_avoided) {
    if (servers.size() == 1 && servers[0].weight > 0 && !is_avoided) return 0;
    std::size_t best = servers.size();
    double best_score = 0;
    for (std::size_t i = 0; i < servers.size(); ++i) {
        if (is_avoided && is_avoided(servers[i].endpoint)) continue;
        const double score =
            static_cast<double>(servers[i].weight) / -std::log(draw(client, servers[i].endpoint));
        if (score > best_score) {
            best = i;
            best_score = score;
        }
    }
    return best;
}

Targets::Targets(const conf::Config& config, const Names& names, IsOwn is_own)
    : names_(names), is_own_(std::move(is_own)), users_(names.size()) {
    rules_.reserve(config.session_acl.size());
    for (const conf::Rule& rule : config.session_acl) {
        for (const conf::Server& server : rule.plug_to) {
            if (server.name.empty()) continue;
            auto& users = users_.at(index_of(server.name));
            if (users.empty() || users.back() != rules_.size()) users.push_back(rules_.size());
        }
        expand(rules_.emplace_back(Rule{rule, {}}));
        if (rule.action != conf::Action::accept || rule.type != conf::SessionType::broadcast) continue;
        for (const conf::Server& server : rule.plug_to)
            broadcasts_.push_back({base::network_of(server.endpoint.address(), rule.broadcast_prefix),
                                   rule.broadcast_prefix, server.endpoint.port});
    }
}

bool Targets::waiting(std::size_t rule) const {
    const Rule& asked = rules_.at(rule);
    return asked.servers.empty() &&
           std::any_of(asked.rule.plug_to.begin(), asked.rule.plug_to.end(), [&](const conf::Server& server) {
               return !server.name.empty() && !names_.known(index_of(server.name));
           });
}

std::vector<std::string> Targets::idle_names(std::size_t rule) const {
    const Rule& asked = rules_.at(rule);
    std::vector<std::string> found;
    for (const conf::Server& entry : asked.rule.plug_to) {
        const auto of_entry = [&](const conf::Server& server) { return server.name == entry.name; };
        if (entry.name.empty() || std::ranges::any_of(asked.servers, of_entry)) continue;
        const std::size_t name = index_of(entry.name);
        const char* reason = !names_.known(name)              ? "is not resolved yet"
                             : names_.addresses(name).empty() ? "has no address"
                                                              : "has no address that can be a server";
        found.push_back(fmt::format("name {} {}", entry.name, reason));
    }
    return found;
}

bool Targets::has_address(std::size_t rule, const Address& address) const {
    const auto& servers = of(rule);
    return std::any_of(servers.begin(), servers.end(), [&](const conf::Server& server) {
        return same_host(server.endpoint.address(), address);
    });
}

bool Targets::may_have_had(std::size_t rule, const base::Endpoint& server, bool any_port) const {
    return std::ranges::any_of(rules_.at(rule).rule.plug_to, [&](const conf::Server& entry) {
        if (entry.endpoint.port != server.port && !any_port) return false;
        return entry.name.empty() ? same_host(entry.endpoint.address(), server.address())
                                  : usable(rule, server);
    });
}

void Targets::update(std::size_t name) {
    for (const std::size_t rule : users(name)) {
        expand(rules_[rule]);
        warn(rules_[rule].rule, name);
    }
}

std::size_t Targets::index_of(const std::string& name) const {
    const auto index = names_.index(name);
    if (!index) throw std::invalid_argument("plug-to: no look-up for the name '" + name + "'");
    return *index;
}

/// The loader has checked servers without names.
void Targets::expand(Rule& rule) {
    unindex(rule);
    rule.servers.clear();
    for (const conf::Server& server : rule.rule.plug_to) {
        if (server.name.empty()) {
            rule.servers.push_back(server);
            continue;
        }
        for (const Address& address : names_.addresses(index_of(server.name))) {
            const base::Endpoint endpoint(address, server.endpoint.port);
            if (fits(rule.rule, address.family) && why_unusable(rule.rule, endpoint).empty())
                rule.servers.push_back({endpoint, server.weight, server.name});
        }
    }
    index(rule);
}

void Targets::index(const Rule& rule) {
    if (rule.rule.action != conf::Action::accept) return;
    for (const conf::Server& server : rule.servers)
        ++servers_[server.endpoint];
}

void Targets::unindex(const Rule& rule) {
    if (rule.rule.action != conf::Action::accept) return;
    for (const conf::Server& server : rule.servers)
        if (const auto found = servers_.find(server.endpoint); --found->second == 0) servers_.erase(found);
}

bool Targets::contains(const base::Endpoint& endpoint) const {
    if (servers_.contains(endpoint)) return true;
    if (endpoint.scope != 0) {
        base::Endpoint unscoped = endpoint;
        unscoped.scope = 0;
        if (servers_.contains(unscoped)) return true;
    }
    return std::any_of(broadcasts_.begin(), broadcasts_.end(), [&endpoint](const Network& network) {
        return endpoint.port == network.port && endpoint.family == network.address.family &&
               base::network_of(endpoint.address(), network.prefix) == network.address;
    });
}

/// A name may well have addresses of both families: the unsuitable ones are left out silently.
bool Targets::fits(const conf::Rule& rule, Family family) {
    return family != Family::none && (!rule.source_address || rule.source_address->family == family);
}

std::string_view Targets::why_unusable(const conf::Rule& rule, const base::Endpoint& endpoint) const {
    const Address address = endpoint.address();
    if (address.is_any()) return "is the unspecified address";
    if (rule.type != conf::SessionType::broadcast) {
        if (conf::is_multicast(address)) return "is a multicast address";
        if (is_limited_broadcast(address)) return "is the broadcast address";
    }
    return is_own_ && is_own_(endpoint) ? "is this proxy's own listener" : "";
}

void Targets::warn(const conf::Rule& rule, std::size_t name) const {
    const auto& addresses = names_.addresses(name);
    const bool none_fits =
        !addresses.empty() && std::ranges::none_of(addresses, [&rule](const Address& address) {
            return fits(rule, address.family);
        });
    for (const conf::Server& server : rule.plug_to) {
        if (server.name != names_.name(name)) continue;
        if (none_fits)
            base::log::write(base::msg::name_unusable,
                             "rule {}: plug-to: {} has no address of the family of source-address {}, so it "
                             "is not a server",
                             rule.name, server.name, base::to_string(*rule.source_address));
        for (const Address& address : addresses) {
            const base::Endpoint endpoint(address, server.endpoint.port);
            const std::string_view why = fits(rule, address.family) ? why_unusable(rule, endpoint) : "";
            if (why.empty()) continue;
            base::log::write(base::msg::name_unusable,
                             "rule {}: plug-to: {} resolves to {}, which {}: ignored", rule.name, server.name,
                             base::to_string(endpoint), why);
        }
    }
}

}  // namespace policy
