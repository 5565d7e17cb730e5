#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/endpoint.hpp"
#include "conf/config.hpp"
#include "proxyctl/connection.hpp"

namespace proxyctl {

/// How a name server is asked, and with what result.
struct NameServerProbe {
    base::Endpoint server;
    conf::Transport transport = conf::Transport::udp;
    std::optional<unsigned> rcode;  ///< of its answer
    std::string trouble;            ///< why there is no answer; empty if it sent nothing
};

/// Asks every server for the servers of the root, all at the same time and as the proxy would. The limit is
/// for the connection and for the answer. Throws Interrupted.
std::vector<NameServerProbe> run_probes(std::vector<NameServerProbe> probes, const Timeout& timeout);

}  // namespace proxyctl
