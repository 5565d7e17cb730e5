#pragma once

#include <string>
#include <vector>

#include "conf/config.hpp"
#include "conf/node_ref.hpp"
#include "conf/section.hpp"

/// One reader for each section of the file. Each reads all it can and reports every mistake; a list always
/// gets an item for each item of the file, so that `session_acl[1]` is `session-acl[2]` even when that one is
/// wrong.
namespace conf {

void read_log(const NodeRef& ref, base::LogSettings& log);
void read_control(const NodeRef& ref, Control& control);
void read_status_file(const NodeRef& ref, StatusFile& status_file);
void read_udpserver(const NodeRef& ref, unsigned processors, UdpServer& udpserver);
void read_resolver(const NodeRef& ref, Resolver& resolver);
void read_lists(const NodeRef& ref, std::vector<NamedList>& lists);
void read_listen_on(const NodeRef& ref, std::vector<ListenOn>& listen_on);
void read_session_acl(const NodeRef& ref, const std::vector<NamedList>& lists, std::vector<Rule>& rules);
void read_datagram_rate(Section& section, DatagramRate& rate);
void read_limits(const NodeRef& ref, SessionLimits& limits);
void read_dscp(const NodeRef& ref, Dscp& dscp);
void read_plug_to(const NodeRef& ref, std::vector<Server>& servers);

/// Maximum of all time keys: sums of it cannot overflow.
inline constexpr Duration max_duration = std::chrono::hours(24 * 365);

}  // namespace conf
