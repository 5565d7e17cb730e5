#pragma once

#include <sys/types.h>

#include <bitset>
#include <optional>
#include <string>

#include "base/endpoint.hpp"

namespace net {

/// A process that has a UDP socket.
struct PortHolder {
    pid_t pid = -1;
    std::string title;       ///< of the process, printable
    bool is_orphan = false;  ///< a child of a proxyd whose parent has exited
};

/// Who has a socket that keeps this address from being bound, as far as /proc shows it to this user.
std::optional<PortHolder> find_port_holder(const base::Endpoint& local);

/// The UDP ports of all sockets of this machine, at any address.
std::bitset<65536> used_ports();

/// `; pid 17 has it (proxyd: gw [REG]), left over from …: kill -9 17`.
std::string remedy(const PortHolder& holder);

}  // namespace net
