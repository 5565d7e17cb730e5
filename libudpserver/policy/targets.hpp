#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "conf/config.hpp"
#include "libudpserver/policy/names.hpp"

namespace policy {

/// The servers that each rule's `plug-to` stands for now: addresses as they are, of a name each of its
/// addresses with the entry's port and weight (K-54).
class Targets {
public:
    /// What cannot be a server is passed over: an address of the wrong family for the rule's source address,
    /// an unspecified one, a multicast or broadcast one (unless the rule is a broadcast), one of the proxy's
    /// own listeners. An entry of a name keeps it in Server::name.
    using IsOwn = std::function<bool(const base::Endpoint&)>;

    Targets(const conf::Config& config, const Names& names, IsOwn is_own);

    /// May be empty: of() of a rule whose names mean nothing.
    [[nodiscard]] const std::vector<conf::Server>& of(std::size_t rule) const {
        return rules_.at(rule).servers;
    }
    /// There is no server, and it is not known yet whether there will be one: a name has not been resolved.
    [[nodiscard]] bool waiting(std::size_t rule) const;
    /// Why each name of the rule's plug-to that stands for no server does not, for a person: `name X means
    /// nothing now`.
    [[nodiscard]] std::vector<std::string> idle_names(std::size_t rule) const;
    /// The rule's servers include this one's address, whatever the port.
    [[nodiscard]] bool has_address(std::size_t rule, const base::Address& address) const;

    /// A server that a proxy chose and that the rule's plug-to could have, but for the families.
    [[nodiscard]] bool usable(std::size_t rule, const base::Endpoint& endpoint) const {
        return endpoint.port != 0 && why_unusable(rules_.at(rule).rule, endpoint).empty();
    }

    /// A name has changed in `names`. What it means and cannot be a server is logged (NAMS-224-W).
    void update(std::size_t name);
    /// The rules that have this name in `plug-to`.
    [[nodiscard]] const std::vector<std::size_t>& users(std::size_t name) const { return users_.at(name); }

private:
    struct Rule {
        conf::Rule rule;
        std::vector<conf::Server> servers;
    };

    [[nodiscard]] std::size_t index_of(const std::string& name) const;
    void expand(Rule& rule);
    static bool fits(const conf::Rule& rule, base::Family family);
    /// Empty when the endpoint may be a server of the rule.
    [[nodiscard]] std::string_view why_unusable(const conf::Rule& rule, const base::Endpoint& endpoint) const;
    void warn(const conf::Rule& rule, std::size_t name) const;

    const Names& names_;
    IsOwn is_own_;
    std::vector<Rule> rules_;
    std::vector<std::vector<std::size_t>> users_;  ///< by name
};

}  // namespace policy
