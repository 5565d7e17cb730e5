#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "conf/config.hpp"
#include "libudpserver/base/clock.hpp"
#include "libudpserver/base/endpoint.hpp"
#include "libudpserver/session/address_match.hpp"

namespace session {

/// What a rule looks at: all of it is known with the first datagram.
struct Question {
    base::Endpoint client;
    base::Endpoint local;   ///< where the client sent to
    std::uint8_t dscp = 0;  ///< 0..63, as received
    base::LocalTime time;   ///< may be left empty when uses_time() is false
};

/// The policy, compiled (K-33): asked once for each session, the first rule whose conditions all hold
/// decides.
class SessionAcl {
public:
    /// Copies what it needs.
    explicit SessionAcl(const conf::Config& config);

    /// The index of the rule that decides; nothing: denied by default.
    [[nodiscard]] std::optional<std::size_t> first_match(const Question& question) const;

    [[nodiscard]] std::size_t size() const { return rules_.size(); }
    [[nodiscard]] const conf::Rule& rule(std::size_t index) const { return rules_.at(index).rule; }
    /// Whether any rule has a `time`: if not, nobody needs to ask the clock.
    [[nodiscard]] bool uses_time() const { return uses_time_; }

    struct Step {
        std::size_t rule = 0;
        bool matched = false;
        std::string why;  ///< the first condition that failed, or that all hold
    };
    /// Rule by rule up to and with the one that matches, judged by the code that first_match() uses (K-30).
    [[nodiscard]] std::vector<Step> explain(const Question& question) const;

private:
    /// The conditions in the order they are looked at.
    enum class Condition { from, to, time, dscp, all_hold };

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

    static CompiledRule compile(const conf::Rule& rule, const conf::Config& config);
    static Condition first_failure(const CompiledRule& rule, const Question& question);
    static bool destination_matches(const CompiledRule& rule, const base::Endpoint& local);
    static bool time_matches(const CompiledRule& rule, const base::LocalTime& time);
    static std::string describe(const CompiledRule& rule, Condition failed, const Question& question);

    std::vector<CompiledRule> rules_;
    bool uses_time_ = false;
};

}  // namespace session
