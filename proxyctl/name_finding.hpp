#pragma once

#include "proxyctl/finding.hpp"
#include "proxyctl/name_server_probe.hpp"
#include "proxyctl/row.hpp"

/// What `doctor` concludes about the resolving of names. Pure calculation.
namespace proxyctl {

/// A transport that the configuration has name servers asked by, and the keys that choose it.
struct TransportUse {
    conf::Transport transport = conf::Transport::udp;
    std::vector<std::string> keys;
};

/// Those of the configuration's names and of look-ups of clients, each transport once; none when nothing is
/// looked up. What a proxy of its own looks up is not known here.
std::vector<TransportUse> transports_used(const conf::Config& config);

Finding no_name_server();
/// What came of asking all name servers by this transport; probes by another one are passed over.
std::vector<Finding> judge_name_servers(const TransportUse& use, const std::vector<NameServerProbe>& probes);

/// Rows of the command `names`: the worst few by name, then how many more there are.
std::vector<Finding> judge_names(const std::vector<Row>& names);

}  // namespace proxyctl
