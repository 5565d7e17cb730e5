#pragma once

#include "resolvers/alive_guard.hpp"

namespace resolvers {

using Lifetime = AliveGuard;

}  // namespace resolvers
