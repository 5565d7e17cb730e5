#pragma once

#include "conf/config.hpp"

namespace conf {

/// What of this machine the meaning of a configuration depends on; tests give their own.
struct System {
    PortRange ephemeral{32768, 60999};  ///< ports that the kernel gives away by itself
    unsigned processors = 1;            ///< what `workers: auto` becomes

    static System read();
};

}  // namespace conf
