#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "conf/config.hpp"

namespace resolvers {

inline constexpr const char* system_resolv_conf = "/etc/resolv.conf";

/// How much work a resolver accepts at a time; more is answered with `busy`.
struct ResolverOptions {
    std::size_t max_lookups = 64;    ///< running
    std::size_t max_waiting = 1024;  ///< look-ups that wait until another one ends
    std::size_t max_askers = 16384;  ///< of all these together
    std::size_t max_cached = 4096;   ///< answers
    bool log_hosts_file = true;      ///< what is wrong with it
};

/// All names of the configuration are asked for at once; none of them may be refused.
inline constexpr ResolverOptions options_for_configuration{.max_waiting = 1u << 20, .max_askers = 1u << 20};

/// An attacker who forges addresses of a silent reverse zone occupies a look-up for seconds with each
/// datagram. So the limit is high; each look-up needs about 100 KB and one or two descriptors.
inline constexpr ResolverOptions options_for_lookups{.max_lookups = 512};

/// For ACR: the `resolver` section with `timeout` and `transport` set to conf-timeout and conf-transport.
/// Servers, search list and dots that are not configured are filled in; only without servers they come from
/// resolv.conf.
conf::Resolver settings_for_configuration(conf::Resolver resolver,
                                          const std::string& resolv_conf = system_resolv_conf);

/// For on-line look-ups, by APR: the same with its own timeout and transport.
conf::Resolver settings_for_lookups(conf::Resolver resolver,
                                    const std::string& resolv_conf = system_resolv_conf);

/// What these settings make of resolv.conf. If it changes, resolvers must be made anew.
std::string system_text(const conf::Resolver& resolver, const std::string& resolv_conf = system_resolv_conf);

/// The names to ask for, in order: with at least `dots` dots the name itself comes first, otherwise last. A
/// trailing dot excludes the search domains. Canonical; empty for a bad name.
std::vector<std::string> candidates(std::string_view name, const conf::Resolver& settings);

/// `#1 192.0.2.1:53, #2 ... by UDP`, or `none`.
std::string servers_text(const conf::Resolver& settings);

/// Logs which servers a role uses (NAMS-110-K), or that there are none (NAMS-120-W).
void log_name_servers(const conf::Resolver& settings);

}  // namespace resolvers
