#pragma once

#include <cstdint>
#include <string_view>

namespace session {

/// The service on a UDP port for SERVER-PORT-NAME, `domain` for 53; empty when it has no well-known name.
/// From a table in the program: a look-up in /etc/services could block, and would differ between machines.
[[nodiscard]] std::string_view port_name(std::uint16_t port);

}  // namespace session
