#pragma once

#include <string>

#include "conf/config.hpp"

namespace conf {

/// The lines of the section `resolver`, without its own.
std::string print_resolver(const Resolver& resolver);

}  // namespace conf
