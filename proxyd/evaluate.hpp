#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "conf/config.hpp"
#include "libudpserver/policy/policy.hpp"

namespace proxyd {

/// Answers to an evaluation that come from name servers.
struct EvaluationLookups {
    /// Sets what is known of the configured names.
    std::function<void(policy::Policy&)> resolve_names;
    /// The confirmed reverse names of a client; nothing when they cannot be found out. Called only if the
    /// policy depends on them.
    std::function<std::optional<std::vector<std::string>>(const base::Address&)> client_names;
};

struct Evaluation {
    std::string text;  ///< complete lines
    bool ok = false;   ///< the expression was understood, also when the answer is "denied" or "undecided"
};

/// `proxyd -t EXPRESSION` (K-30): what the policy does with a client, or `show-acl`, `show-hash`, `help`.
[[nodiscard]] Evaluation evaluate(const conf::Config& config, std::string_view expression,
                                  const EvaluationLookups& lookups,
                                  const base::LocalTime& now = base::LocalTime::now());

/// Look-ups through the configured name servers.
[[nodiscard]] EvaluationLookups lookups_once(const conf::Config& config);

}  // namespace proxyd
