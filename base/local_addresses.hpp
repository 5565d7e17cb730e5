#pragma once

#include <optional>
#include <vector>

#include "base/endpoint.hpp"

namespace base {

/// The addresses of this machine's interfaces, sorted; nothing if the kernel cannot be asked.
std::optional<std::vector<Address>> local_addresses();

}  // namespace base
