#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/siphash.hpp"
#include "conf/config.hpp"
#include "libudpserver/policy/names.hpp"

namespace policy {

/// True for a server that a client should not get.
using IsAvoided = std::function<bool(const base::Endpoint&)>;

/// The index of the server that serves this client, or servers.size() if none has a weight: rendezvous
/// hashing by weight over the client's address without its port. The key is fixed, so that a client keeps its
/// server over restarts and reordered lists, and removing a server moves only its own clients.
[[nodiscard]] std::size_t choose_server(const std::vector<conf::Server>& servers, const base::Address& client,
                                        const IsAvoided& is_avoided = {});

/// With a key of its own: name servers choose the addresses that are put into the table.
struct EndpointHash {
    base::SipKey key = base::random_key();
    std::size_t operator()(const base::Endpoint& endpoint) const {
        return base::SipHash<1, 3>::hash(key, std::as_bytes(std::span(&endpoint, 1)));
    }
};

/// The present servers of each rule's `plug-to`: the configured addresses, and for a name all its addresses
/// with the entry's port and weight (K-54).
///
/// Left out is what cannot be a server: an address of the wrong family for the rule's source address, an
/// unspecified one, a multicast or broadcast one (unless the rule is of type broadcast), and the proxy's own
/// listeners.
class Targets {
public:
    using IsOwn = std::function<bool(const base::Endpoint&)>;

    /// `names` outlives this object. `is_own` recognises the proxy's own listeners.
    Targets(const conf::Config& config, const Names& names, IsOwn is_own);

    /// A server from a name has it in Server::name.
    [[nodiscard]] const std::vector<conf::Server>& of(std::size_t rule) const {
        return rules_.at(rule).servers;
    }
    /// True if the rule has no server, but an unknown name that may still give one.
    [[nodiscard]] bool waiting(std::size_t rule) const;
    /// The rule's names that give no server, each with the reason: `name X has no address`.
    [[nodiscard]] std::vector<std::string> idle_names(std::size_t rule) const;
    /// True if one of the rule's servers has this address, on any port.
    [[nodiscard]] bool has_address(std::size_t rule, const base::Address& address) const;

    /// True if a datagram from this endpoint comes from a server of some rule: it is the server's address and
    /// port, or for a broadcast any address of its network with the server's port.
    [[nodiscard]] bool contains(const base::Endpoint& endpoint) const;

    /// True if the rule could have this server; of any family, since a proxy chose it.
    [[nodiscard]] bool usable(std::size_t rule, const base::Endpoint& endpoint) const {
        return endpoint.port != 0 && why_unusable(rules_.at(rule).rule, endpoint).empty();
    }

    /// False if the rule never had this server, whatever its names were. With `any_port` on no port.
    [[nodiscard]] bool may_have_had(std::size_t rule, const base::Endpoint& server, bool any_port) const;

    /// To be called when `names` has other addresses for this name. Logs those that cannot be servers
    /// (NAMS-224-W).
    void update(std::size_t name);
    /// The rules that have this name in `plug-to`.
    [[nodiscard]] const std::vector<std::size_t>& users(std::size_t name) const { return users_.at(name); }

private:
    struct Rule {
        conf::Rule rule;
        std::vector<conf::Server> servers;
    };

    struct Network {
        base::Address address;
        unsigned prefix;
        std::uint16_t port;
    };

    [[nodiscard]] std::size_t index_of(const std::string& name) const;
    void expand(Rule& rule);
    void index(const Rule& rule);
    void unindex(const Rule& rule);
    static bool fits(const conf::Rule& rule, base::Family family);
    /// Empty when the endpoint may be a server of the rule.
    [[nodiscard]] std::string_view why_unusable(const conf::Rule& rule, const base::Endpoint& endpoint) const;
    void warn(const conf::Rule& rule, std::size_t name) const;

    const Names& names_;
    IsOwn is_own_;
    std::vector<Rule> rules_;
    std::vector<std::vector<std::size_t>> users_;                         ///< by name
    std::unordered_map<base::Endpoint, unsigned, EndpointHash> servers_;  ///< how many entries have each
    std::vector<Network> broadcasts_;
};

}  // namespace policy
