#pragma once

#include <vector>

#include "conf/config.hpp"

namespace conf {

/// The properties of this machine that the checks depend on; tests supply their own.
struct System {
    PortRange ephemeral{32768, 60999};  ///< ports that the kernel gives away by itself
    unsigned processors = 1;            ///< what `workers: auto` becomes
    std::vector<Address> addresses;     ///< of the interfaces, sorted
    std::vector<PortRange> reserved;    ///< ports that the kernel does not give away

    static System read();
};

}  // namespace conf
