#pragma once

#include <string>
#include <vector>

#include "conf/config.hpp"
#include "conf/place.hpp"

/// One reader for each section of the file. Each reads all it can and reports every mistake; a list always
/// gets an item for each item of the file, so that `session_acl[1]` is `session-acl[2]` even when that one is
/// wrong.
namespace conf {

void read_log(const Place& place, base::LogSettings& log);
void read_control(const Place& place, Control& control);
void read_status_file(const Place& place, StatusFile& status_file);
void read_udpserver(const Place& place, unsigned processors, UdpServer& udpserver);
void read_resolver(const Place& place, Resolver& resolver);
void read_lists(const Place& place, std::vector<NamedList>& lists);
void read_listen_on(const Place& place, std::vector<ListenOn>& listen_on);
void read_session_acl(const Place& place, const std::vector<NamedList>& lists, std::vector<Rule>& rules);
void read_limits(const Place& place, SessionLimits& limits);
void read_dscp(const Place& place, Dscp& dscp);
void read_plug_to(const Place& place, std::vector<Server>& servers);

/// Longest time that any key takes: sums of it stay far from overflow.
inline constexpr Duration longest_duration = std::chrono::hours(24 * 365);

}  // namespace conf
