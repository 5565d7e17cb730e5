#include "proxyctl/name_finding.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "conf/names.hpp"

namespace proxyctl {

namespace {

constexpr unsigned no_error = 0, server_failure = 2, no_such_name = 3, refused = 5;

std::string_view word_for(conf::Transport transport) {
    return transport == conf::Transport::tcp ? "TCP" : "UDP";
}

std::string rcode_word(unsigned rcode) {
    return rcode == server_failure ? "SERVFAIL"
           : rcode == refused      ? "REFUSED"
                                   : fmt::format("error {}", rcode);
}

bool is_well(const NameServerProbe& probe) {
    return probe.rcode == no_error || probe.rcode == no_such_name;
}

void add_use(std::vector<TransportUse>& uses, conf::Transport transport, const std::string& key) {
    const auto same = std::find_if(uses.begin(), uses.end(),
                                   [&](const TransportUse& use) { return use.transport == transport; });
    if (same == uses.end())
        uses.push_back({transport, {key}});
    else
        same->keys.push_back(key);
}

// What makes the proxy do without TCP, where it does not get through.
std::string way_out(const TransportUse& use) {
    if (use.transport == conf::Transport::udp) return {};
    std::string settings;
    for (const std::string& key : use.keys)
        settings += (settings.empty() ? "; " : " and ") + key + ": udp";
    return settings + " would ask by UDP";
}

Finding judge(const TransportUse& use, const NameServerProbe& probe, Health without_answer) {
    const std::string server = base::to_string(probe.server);
    const std::string_view transport = word_for(use.transport);
    if (probe.rcode) {
        return {
            Health::warn,
            fmt::format("{} answers {} by {} when asked for the servers of the root", server,
                        rcode_word(*probe.rcode), transport),
            "see `names` for what it says of the names that are needed; let it serve this host, or change "
            "resolver.servers"};
    }
    return {without_answer,
            fmt::format("{} does not answer by {}{}", server, transport,
                        probe.trouble.empty() ? "" : ": " + probe.trouble),
            "see whether it runs and can be reached, or change resolver.servers" + way_out(use)};
}

}  // namespace

std::vector<TransportUse> transports_used(const conf::Config& config) {
    std::vector<TransportUse> uses;
    if (!conf::names(config).empty())
        add_use(uses, config.resolver.conf_transport, "resolver.conf-transport");
    if (conf::has_patterns(config) || config.log.names)
        add_use(uses, config.resolver.transport, "resolver.transport");
    return uses;
}

Finding no_name_server() {
    return {Health::warn, "there is no name server", "set resolver.servers, or correct /etc/resolv.conf"};
}

std::vector<Finding> judge_name_servers(const TransportUse& use, const std::vector<NameServerProbe>& probes) {
    std::vector<NameServerProbe> asked;
    std::copy_if(probes.begin(), probes.end(), std::back_inserter(asked),
                 [&](const NameServerProbe& probe) { return probe.transport == use.transport; });
    const auto well = std::count_if(asked.begin(), asked.end(), is_well);
    const bool none_answers =
        std::none_of(asked.begin(), asked.end(), [](const auto& probe) { return probe.rcode.has_value(); });
    std::vector<Finding> findings;
    if (well > 0) {
        findings.push_back({Health::ok,
                            fmt::format("name servers that answer by {}: {} of {}", word_for(use.transport),
                                        well, asked.size()),
                            {}});
    }
    for (const NameServerProbe& probe : asked) {
        if (!is_well(probe)) findings.push_back(judge(use, probe, none_answers ? Health::bad : Health::warn));
    }
    return findings;
}

}  // namespace proxyctl
