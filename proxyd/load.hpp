#pragma once

#include <functional>

#include "conf/load.hpp"

namespace proxyd {

/// Reads the configuration file as at the start, with what the command line adds.
using Load = std::function<conf::LoadResult()>;

}  // namespace proxyd
