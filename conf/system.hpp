#pragma once

#include "conf/config.hpp"

namespace conf {

/// The properties of this machine that the checks depend on; tests supply their own.
struct System {
    PortRange ephemeral{32768, 60999};  ///< ports that the kernel gives away by itself
    unsigned processors = 1;            ///< what `workers: auto` becomes

    static System read();
};

}  // namespace conf
