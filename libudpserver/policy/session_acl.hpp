#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/endpoint.hpp"
#include "conf/config.hpp"
#include "libudpserver/policy/address_match.hpp"
#include "libudpserver/policy/names.hpp"

namespace policy {

/// What a rule looks at: all of it is known with the first datagram.
struct Question {
    base::Endpoint client;
    base::Endpoint local;   ///< where the client sent to
    std::uint8_t dscp = 0;  ///< 0..63, as received
    base::LocalTime time;   ///< may be left empty when uses_time() is false
    /// The client's confirmed reverse names; null while nobody knows them.
    const std::vector<std::string>* client_names = nullptr;
};

/// The rules of `session-acl`, compiled (K-33): the first rule whose conditions all hold decides.
class SessionAcl {
public:
    /// Copies what it needs, but for the names, which change while it lives. Throws std::invalid_argument for
    /// what the loader refuses.
    SessionAcl(const conf::Config& config, const Names& names);

    struct Result {
        Match match = Match::no;
        std::size_t rule = 0;
    };
    /// The first rule that matches, or that may match once more names are known; `no` if there is none. A
    /// rule that fails or matches whatever its names resolve to needs none of them.
    [[nodiscard]] Result first_match(const Question& question) const;

    [[nodiscard]] std::size_t size() const { return rules_.size(); }
    [[nodiscard]] const conf::Rule& rule(std::size_t index) const { return rules_.at(index).rule; }
    /// Whether any rule has a `time`: if not, nobody needs to ask the clock.
    [[nodiscard]] bool uses_time() const { return uses_time_; }

    struct Step {
        std::size_t rule = 0;
        bool matched = false;
        bool undecided = false;  ///< a name is not known: this is the last step
        std::string why;         ///< the first condition that failed, or that all hold, or what is not known
    };
    /// Rule by rule up to and with the one that decides, by the code that first_match() uses (K-30).
    [[nodiscard]] std::vector<Step> explain(const Question& question) const;

private:
    /// The conditions in the order they are looked at.
    enum class Condition : std::uint8_t { from, to, time, dscp, all_hold };

    struct CompiledDestination {
        AddressMatcher host;
        conf::PortRange port;
        bool negated;
    };
    struct CompiledRule {
        conf::Rule rule;
        AddressMatcher from;
        std::vector<CompiledDestination> to;
        bool positive_to;    ///< `to` has items without `!`
        std::uint64_t dscp;  ///< one bit a value
    };
    /// Whether a rule matches, and the condition that made it so.
    struct Judgement {
        Match match = Match::yes;
        Condition condition = Condition::all_hold;
    };

    static CompiledRule compile(const conf::Rule& rule, const conf::Config& config, const Names& names);
    static Judgement judge(const CompiledRule& rule, const Asked& client, const Question& question);
    static Match match_destination(const CompiledRule& rule, const base::Endpoint& local);
    static bool time_matches(const CompiledRule& rule, const base::LocalTime& time);

    [[nodiscard]] std::string describe(const CompiledRule& rule, const Judgement& judgement,
                                       const Question& question) const;
    static std::string subject(Condition condition, const Question& question);
    [[nodiscard]] std::string why_not(const CompiledRule& rule, Condition condition,
                                      const Question& question) const;
    [[nodiscard]] std::string missing_name(const CompiledRule& rule, Condition condition,
                                           const Question& question) const;

    const Names& names_;
    std::vector<CompiledRule> rules_;
    bool uses_time_ = false;
};

}  // namespace policy
