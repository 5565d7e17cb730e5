#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/endpoint.hpp"

namespace base {

/// The addresses of this machine's interfaces, sorted; nothing if the kernel cannot be asked. Any thread may
/// call it.
std::optional<std::vector<Address>> local_addresses();

/// The name of an interface; empty if there is none with this index.
std::string interface_name(unsigned index);
/// The index of an interface; 0 if there is none with this name.
unsigned interface_index(const std::string& name);

/// Makes these functions use one socket from now on, for a process that may not open sockets later. Call it
/// once in such a process, before its first thread; not before a fork.
void keep_address_socket();

}  // namespace base
