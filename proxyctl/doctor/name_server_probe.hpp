#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/endpoint.hpp"
#include "conf/config.hpp"
#include "proxyctl/connection.hpp"

namespace proxyctl {

/// How a name server is asked, and what came of it.
struct NameServerProbe {
    base::Endpoint server;
    conf::Transport transport = conf::Transport::udp;
    std::optional<unsigned> rcode;  ///< of its answer
    std::string trouble;            ///< why there is no answer; empty when it is only silent
};

/// Asks every server (who serves the root?), all at the same time, and notes what has come of it within the
/// limit. Throws Interrupted.
std::vector<NameServerProbe> run_probes(std::vector<NameServerProbe> probes, const Timeout& timeout);

}  // namespace proxyctl
