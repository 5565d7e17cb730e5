#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "conf/config.hpp"
#include "libudpserver/policy/host_list.hpp"
#include "libudpserver/policy/names.hpp"
#include "libudpserver/policy/question.hpp"

namespace policy {

/// The rules of `session-acl`, compiled (K-33): the first rule whose conditions all hold decides.
class SessionAcl {
public:
    /// Copies what it needs except `names`, which outlives this object. Throws std::invalid_argument for what
    /// the loader rejects.
    SessionAcl(const conf::Config& config, const Names& names);

    struct Result {
        Match match = Match::no;
        std::size_t rule = 0;
    };
    /// The first rule that matches, or that may match once more names are known; `no` if there is none. A
    /// rule that fails or matches whatever its names resolve to needs none of them.
    [[nodiscard]] Result first_match(const Question& question) const;

    /// False if this rule cannot have been the first match at any time, whatever the names were then.
    [[nodiscard]] bool may_have_matched(std::size_t rule, const Question& question) const;

    [[nodiscard]] std::size_t size() const { return rules_.size(); }
    [[nodiscard]] const conf::Rule& rule(std::size_t index) const { return rules_.at(index).rule; }
    /// True if a rule has a `time`.
    [[nodiscard]] bool uses_time() const { return uses_time_; }

    struct Step {
        std::size_t rule = 0;
        bool matched = false;
        bool undecided = false;  ///< a name is not known; this is the last step
        std::string why;         ///< the first condition that failed or is undecided, or that all hold
    };
    /// All rules up to and including the one that decides, judged by the code that first_match() uses (K-30).
    [[nodiscard]] std::vector<Step> explain(const Question& question) const;

private:
    /// In the order of evaluation.
    enum class Condition : std::uint8_t { from, to, time, dscp, all_hold };

    struct CompiledDestination {
        HostList host;
        conf::PortRange port;
        bool negated;
    };
    struct CompiledRule {
        conf::Rule rule;
        HostList from;
        std::vector<CompiledDestination> to;
        bool positive_to;  ///< `to` has items without `!`
        bool to_depends_on_names = false;
        std::uint64_t dscp;  ///< one bit per value
    };
    /// Whether a rule matches, and the condition that settled it.
    struct Judgement {
        Match match = Match::yes;
        Condition condition = Condition::all_hold;
    };

    static CompiledRule compile(const conf::Rule& rule, const conf::Config& config, const Names& names);
    static Judgement judge(const CompiledRule& rule, const Host& client, const Question& question);
    static Match match_destination(const CompiledRule& rule, const base::Endpoint& local);
    static bool time_matches(const CompiledRule& rule, const base::LocalTime& time);
    static bool dscp_matches(const CompiledRule& rule, std::uint8_t dscp);
    static Match judge_at_any_time(const CompiledRule& rule, const Host& client, const Question& question);

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
