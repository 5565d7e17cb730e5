#pragma once

#include <optional>
#include <vector>

#include "base/endpoint.hpp"

namespace base {

/// The addresses of this machine's interfaces, sorted; nothing if the kernel cannot be asked. Any thread may
/// call it.
std::optional<std::vector<Address>> local_addresses();

/// Makes local_addresses() use one socket from now on, for a process that may not open sockets later. Call it
/// once in such a process, before its first thread; not before a fork.
void keep_address_socket();

}  // namespace base
