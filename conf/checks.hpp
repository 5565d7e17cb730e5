#pragma once

#include <string>

#include "conf/config.hpp"
#include "conf/report.hpp"
#include "conf/system.hpp"

namespace conf {

/// What depends on more than one key. Values that already have an error are skipped, so that it is not
/// reported twice.
void check(const Config& config, const System& system, Report& report);

/// Names, servers and ports of each rule, and rules that no session can reach.
void check_rules(const Config& config, const System& system, Report& report);
/// Rules whose `to` and `from` meet no listener, and listeners that no rule uses.
void check_reach(const Config& config, Report& report);
/// Names and regular expressions: where they are allowed, how many, and exclusions that do not hold.
void check_host_names(const Config& config, Report& report);

/// Warns about a burst without a rate, and about one that keeps the rate from being reached. `section` is the
/// path of both keys.
void check_burst(const DatagramRate& rate, const std::string& section, Report& report);
/// Warns if the kernel may give one of these ports to another program.
void check_ephemeral(const PortRange& port, const System& system, const std::string& path, Report& report);
/// Warns if a part of a rule's source ports is reserved, perhaps for another program.
void check_reserved(const PortRange& port, const System& system, const std::string& path, Report& report);
bool overlaps(const PortRange& a, const PortRange& b);

/// `session-acl[2]` or `session-acl[2].key`.
std::string rule_path(std::size_t index, const std::string& key = {});

/// What `server-side` and `server-ports` need and contradict.
void check_server_side(const Config& config, const System& system, Report& report);

}  // namespace conf
