#pragma once

#include <string>

#include "conf/config.hpp"
#include "resolvers/settings.hpp"

namespace resolvers {

inline constexpr const char* system_resolv_conf = "/etc/resolv.conf";

/// For ACR: the names of the configuration, with conf-timeout and conf-transport. The system's file is read
/// only if the configuration has no servers; then its search list and dots count too, unless configured.
Settings settings_for_configuration(const conf::Resolver& resolver,
                                    const std::string& resolv_conf = system_resolv_conf);

/// For APR and for REG that asks it: on-line look-ups, with timeout, transport and, for the names of an
/// address, initial-timeout.
Settings settings_for_lookups(const conf::Resolver& resolver,
                              const std::string& resolv_conf = system_resolv_conf);

/// `#1 192.0.2.1:53, #2 ... by UDP`; `none` if there is no server.
std::string servers_text(const Settings& settings);

/// Says once, at the start of a role, which servers it uses (NAMS-110-K), or that there are none
/// (NAMS-120-W).
void log_name_servers(const Settings& settings);

}  // namespace resolvers
