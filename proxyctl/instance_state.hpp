#pragma once

#include <vector>

#include "proxyctl/command.hpp"
#include "proxyctl/row.hpp"

namespace proxyctl {

/// How an instance is, as far as it says so itself.
struct InstanceState {
    Row status;         ///< with at least `name` and `state`; as received when it answered
    std::string state;  ///< serving, degraded, starting, stopping; down, no-answer, no-right, broken
    std::string why;    ///< when it is not well
    bool answered = false;
};

InstanceState state_of(const Context& context, const Instance& instance);

/// 0 serving, 1 not quite, 2 down or silent, 4 no right to ask.
int status_exit(const std::string& state);
Tone tone_of(const std::string& state);

/// The instances of a command for which no choice means all.
std::vector<Instance> all_or_chosen(const Context& context);

/// Whether somebody listens at its control socket. Throws a Failure when that cannot be told.
bool is_running(const Context& context);

}  // namespace proxyctl
