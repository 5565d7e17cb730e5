#pragma once

#include <functional>
#include <string>
#include <vector>

#include "libudpserver/ipc/messages.hpp"
#include "resolvers/resolver.hpp"
#include "resolvers/settings.hpp"

namespace resolvers {

/// Resolves the names for singleproc (K-10): asks for all at the same time and waits, for `settings.timeout`
/// at most. A name without an answer is unresolved; that and denials are logged as ACR does. `proceed` is
/// called at least ten times a second; once it returns false, the wait ends, and names without an answer are
/// left out.
std::vector<ipc::NameUpdate> resolve_once(
    const std::vector<std::string>& names, const conf::Resolver& settings,
    const std::function<bool()>& proceed = [] { return true; });

/// Waits for the answer to one question; names of an address are confirmed. It has its own loop, so any
/// thread may call it.
Answer ask_once(const conf::Resolver& settings, const Question& question,
                const ResolverOptions& options = {});

}  // namespace resolvers
