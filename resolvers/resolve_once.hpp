#pragma once

#include <functional>
#include <string>
#include <vector>

#include "libudpserver/ipc/messages.hpp"
#include "resolvers/resolver.hpp"
#include "resolvers/settings.hpp"

namespace resolvers {

/// What each of the names means, for singleproc (K-10): asks for all at the same time and waits, about as
/// long as `settings.timeout` at most. A name that could not be resolved is unresolved; that and denials are
/// logged as ACR does. `go_on` is asked ten times a second at least; when it says no, the waiting ends, and
/// what is not known yet is left out.
std::vector<ipc::NameUpdate> resolve_once(
    const std::vector<std::string>& names, const Settings& settings,
    const std::function<bool()>& go_on = [] { return true; });

/// The answer to one question, names of an address confirmed; waits, its time-out at most. In a loop of its
/// own, so any thread may call it.
Answer ask_once(const Settings& settings, const Question& question);

}  // namespace resolvers
