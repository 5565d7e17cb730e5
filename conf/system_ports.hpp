#pragma once

#include <string_view>
#include <vector>

#include "conf/config.hpp"

namespace conf {

/// The kernel's ephemeral port range (net.ipv4.ip_local_port_range), which holds for IPv6 too; its default
/// without /proc.
PortRange ephemeral_ports();

/// The ports that the kernel gives to no program by itself (net.ipv4.ip_local_reserved_ports).
std::vector<PortRange> reserved_ports();

/// `8080,9148-9150`, as that setting writes them; ends at the first error.
std::vector<PortRange> parse_port_list(std::string_view text);

}  // namespace conf
