#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "conf/config.hpp"
#include "libudpserver/policy/names.hpp"
#include "libudpserver/policy/session_acl.hpp"
#include "libudpserver/policy/targets.hpp"

namespace policy {

/// What the policy decides about a client, or what must be known before it can decide.
struct Decision {
    enum class Kind : std::uint8_t {
        accept,              ///< `rule` accepts the client and `server` serves it
        deny,                ///< `rule` denies the client, or no rule matches it
        no_server,           ///< `rule` accepts the client, but has no server
        awaits_server,       ///< `rule` accepts the client, but the names of its servers are not resolved yet
        awaits_names,        ///< `rule` depends on a configured name that is not resolved yet
        awaits_client_names  ///< `rule` depends on the client's reverse names
    };
    Kind kind = Kind::deny;
    std::optional<std::size_t> rule;  ///< the rule that decides, or the first one that cannot be evaluated
    base::Endpoint server;

    /// A configured name must resolve first, for the rule or for its server.
    [[nodiscard]] bool awaits_configured_names() const {
        return kind == Kind::awaits_server || kind == Kind::awaits_names;
    }
    /// It is not certain which rule decides.
    [[nodiscard]] bool awaits_rule() const {
        return kind == Kind::awaits_names || kind == Kind::awaits_client_names;
    }
};

/// A decision with its reasons, for administrators (K-30).
struct Explanation {
    std::vector<SessionAcl::Step> steps;  ///< rule by rule
    Decision decision;
    std::string why;                      ///< empty for `accept`
    std::vector<conf::Server> servers;    ///< all servers of the rule, if it accepts the client
    std::vector<std::string> idle_names;  ///< of the rule's plug-to, each with why it gives no server
};

/// The policy of a configuration, with the present addresses of its names. The session engine, `proxyctl
/// explain` and `proxyd -t` all ask it.
class Policy {
public:
    /// `is_own` recognises the proxy's own listeners, which are never servers. Throws std::invalid_argument
    /// for what the loader rejects.
    explicit Policy(const conf::Config& config, Targets::IsOwn is_own = {});
    Policy(const Policy&) = delete;
    Policy& operator=(const Policy&) = delete;

    /// Allocates nothing. Waits for no name that cannot change the decision.
    [[nodiscard]] Decision decide(const Question& question) const;
    /// The same decision, with its reasons.
    [[nodiscard]] Explanation explain(const Question& question) const;

    [[nodiscard]] std::size_t size() const { return acl_.size(); }
    [[nodiscard]] const conf::Rule& rule(std::size_t index) const { return acl_.rule(index); }
    /// True if a rule has a `time`; otherwise a question needs none.
    [[nodiscard]] bool uses_time() const { return acl_.uses_time(); }

    [[nodiscard]] const Names& names() const { return names_; }
    void set_addresses(std::size_t name, Names::Addresses addresses);
    /// The name could not be resolved: it keeps the addresses it has, if any.
    void set_unresolved(std::size_t name) { names_.set_unresolved(name); }

    /// The server that serves this client by the rule; null when the rule has none.
    /// With `is_avoided` among the others.
    [[nodiscard]] const conf::Server* server_for(std::size_t rule, const base::Address& client,
                                                 const IsAvoided& is_avoided = {}) const;
    /// True if the rule has more than one server now.
    [[nodiscard]] bool has_choice(std::size_t rule) const { return targets_.of(rule).size() > 1; }
    [[nodiscard]] bool has_server(std::size_t rule, const base::Address& address) const {
        return targets_.has_address(rule, address);
    }
    /// True if a datagram from this endpoint comes from a server of some rule.
    [[nodiscard]] bool is_server(const base::Endpoint& endpoint) const { return targets_.contains(endpoint); }
    /// True if a proxy may choose this server for a session of the rule.
    [[nodiscard]] bool can_be_server(std::size_t rule, const base::Endpoint& endpoint) const {
        return targets_.usable(rule, endpoint);
    }
    /// False if the rule never had this server since the configuration was loaded; with `any_port` on no
    /// port.
    [[nodiscard]] bool may_have_had_server(std::size_t rule, const base::Endpoint& server,
                                           bool any_port) const {
        return targets_.may_have_had(rule, server, any_port);
    }
    /// False if this rule cannot have decided about it since the configuration was loaded.
    [[nodiscard]] bool may_have_decided(std::size_t rule, const Question& question) const {
        return acl_.may_have_matched(rule, question);
    }
    /// The rules that have this name in `plug-to`.
    [[nodiscard]] const std::vector<std::size_t>& rules_to(std::size_t name) const {
        return targets_.users(name);
    }

private:
    [[nodiscard]] std::string why(const Explanation& explanation) const;

    Names names_;
    SessionAcl acl_;
    Targets targets_;
};

}  // namespace policy
