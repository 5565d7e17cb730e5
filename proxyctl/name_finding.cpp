#include "proxyctl/name_finding.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "conf/names.hpp"
#include "proxyctl/human.hpp"
#include "proxyctl/names_view.hpp"

namespace proxyctl {

namespace {

constexpr std::size_t most_names = 5;
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

// Nothing for a name with which all is well, or that has just been asked for.
std::optional<Finding> judge(const Row& name) {
    const std::string state = name.text("state"), who = "name " + name.text("name");
    const std::string trouble = last_trouble(name), why = trouble.empty() ? "" : "; " + trouble;
    if (state == "failed") {
        return Finding{
            Health::bad, who + " has no address, because of failures" + why,
            "see whether its name servers answer, and what `resolve` says; a private address needs "
            "resolver.allow-private"};
    }
    if (state == "stale") {
        return Finding{Health::warn,
                       fmt::format("{} keeps addresses that have expired, for {} at most{}", who,
                                   human_duration(name.number("expires_ms").value_or(0)), why),
                       "see whether its name servers answer; resolver.stale-max says how long they are kept"};
    }
    if (state == "denied") {
        return Finding{Health::warn, who + " does not exist or has no address: it matches nobody" + why,
                       "correct the name, or the zone"};
    }
    return std::nullopt;
}

void keep_the_worst(std::vector<Finding>& findings) {
    std::stable_sort(findings.begin(), findings.end(),
                     [](const Finding& a, const Finding& b) { return a.health > b.health; });
    if (findings.size() <= most_names) return;
    const std::size_t more = findings.size() - most_names;
    findings[most_names] = {findings[most_names].health, fmt::format("and {} more names like these", more),
                            "see `names`"};
    findings.resize(most_names + 1);
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

std::vector<Finding> judge_names(const std::vector<Row>& names) {
    std::vector<Finding> findings;
    for (const Row& name : names)
        if (auto finding = judge(name)) findings.push_back(std::move(*finding));
    keep_the_worst(findings);
    const auto in_state = [&](const char* state) {
        return std::count_if(names.begin(), names.end(),
                             [&](const Row& name) { return name.text("state") == state; });
    };
    const auto resolved = in_state("resolved"), asked = in_state("asked");
    if (resolved + asked > 0) {
        const std::string rest = asked == 0 ? "" : fmt::format(", {} are being asked for", asked);
        findings.insert(findings.begin(),
                        {Health::ok,
                         fmt::format("names that are resolved: {} of {}{}", resolved, names.size(), rest),
                         {}});
    }
    return findings;
}

}  // namespace proxyctl
