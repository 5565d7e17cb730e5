#include "proxyctl/doctor/finding.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "base/text.hpp"
#include "conf/names.hpp"
#include "proxyctl/human.hpp"
#include "proxyctl/views/list_view.hpp"

namespace proxyctl {

namespace {

constexpr std::size_t max_names = 5;
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

/// For networks that block TCP.
std::string udp_hint(const TransportUse& use) {
    if (use.transport == conf::Transport::udp) return {};
    return "; for UDP set " + base::joined(use.keys, ": udp and ") + ": udp";
}

Finding check_name_server(const TransportUse& use, const NameServerProbe& probe, Health without_answer) {
    const std::string server = base::to_string(probe.server);
    const std::string_view transport = word_for(use.transport);
    if (probe.rcode) {
        return {Health::warn,
                fmt::format("{} answers {} over {} to a query for the root servers", server,
                            rcode_word(*probe.rcode), transport),
                "`names` shows its answers for the configured names; let it serve this host, or change "
                "resolver.servers"};
    }
    return {without_answer,
            fmt::format("{} does not answer over {}{}", server, transport,
                        probe.trouble.empty() ? "" : ": " + probe.trouble),
            "check that it runs and is reachable, or change resolver.servers" + udp_hint(use)};
}

/// Nothing for a name without problems, or without an answer yet.
std::optional<Finding> check_name(const Row& name) {
    const std::string state = name.text("state"), subject = "name " + name.text("name");
    const std::string error = last_error(name), why = error.empty() ? "" : "; " + error;
    if (state == "failed") {
        return Finding{
            Health::bad, subject + " has no address: its look-ups fail" + why,
            "check its name servers, and try `resolve`; private addresses require resolver.allow-private"};
    }
    if (state == "stale") {
        return Finding{Health::warn,
                       fmt::format("{} uses expired addresses, for {} at most{}", subject,
                                   human_duration(name.number("expires_ms").value_or(0)), why),
                       "check its name servers; resolver.stale-max limits the use of expired addresses"};
    }
    if (state == "denied") {
        return Finding{Health::warn,
                       subject + " does not exist or has no address: rules that use it do not match" + why,
                       "correct the name, or the zone"};
    }
    if (const std::string servers = name.text("unreachable"); !servers.empty()) {
        return Finding{Health::warn, subject + " has servers that cannot be connected: " + servers,
                       "correct the route; set resolver.families if this network has one family only"};
    }
    if (const std::string family = name.text("failed"); !family.empty()) {
        return Finding{
            Health::warn,
            fmt::format("{}: its {} look-ups fail; only the other family's addresses are current{}", subject,
                        family, why),
            "check its name servers; set resolver.families if this network has one family only"};
    }
    return std::nullopt;
}

void keep_worst(std::vector<Finding>& findings) {
    std::stable_sort(findings.begin(), findings.end(),
                     [](const Finding& a, const Finding& b) { return a.health > b.health; });
    if (findings.size() <= max_names) return;
    const std::size_t more = findings.size() - max_names;
    findings[max_names] = {findings[max_names].health, fmt::format("and {} more names with problems", more),
                           "see `names`"};
    findings.resize(max_names + 1);
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
    return {Health::warn, "no name server is configured",
            "set resolver.servers, or correct /etc/resolv.conf"};
}

Finding outdated_name_servers(const std::vector<base::Endpoint>& used,
                              const std::vector<base::Endpoint>& listed) {
    const auto text = [](const std::vector<base::Endpoint>& servers) {
        std::vector<std::string> texts;
        for (const base::Endpoint& server : servers)
            texts.push_back(base::to_string(server));
        return texts.empty() ? "none" : base::joined(texts, ", ");
    };
    return {Health::warn,
            fmt::format("the running processes ask the name servers {}, but the configuration and "
                        "/etc/resolv.conf list {}",
                        text(used), text(listed)),
            "`refresh` or `reload` applies the change"};
}

std::vector<Finding> check_name_servers(const TransportUse& use, const std::vector<NameServerProbe>& probes) {
    std::vector<NameServerProbe> asked;
    std::copy_if(probes.begin(), probes.end(), std::back_inserter(asked),
                 [&](const NameServerProbe& probe) { return probe.transport == use.transport; });
    const auto well = std::count_if(asked.begin(), asked.end(), is_well);
    const bool none_answers =
        std::none_of(asked.begin(), asked.end(), [](const auto& probe) { return probe.rcode.has_value(); });
    std::vector<Finding> findings;
    if (well > 0) {
        findings.push_back(
            {Health::ok,
             fmt::format("{} of {} name servers answer over {}", well, asked.size(), word_for(use.transport)),
             {}});
    }
    for (const NameServerProbe& probe : asked) {
        if (!is_well(probe))
            findings.push_back(check_name_server(use, probe, none_answers ? Health::bad : Health::warn));
    }
    return findings;
}

std::vector<Finding> check_names(const std::vector<Row>& names) {
    std::vector<Finding> findings;
    for (const Row& name : names)
        if (auto finding = check_name(name)) findings.push_back(std::move(*finding));
    keep_worst(findings);
    const auto in_state = [&](const char* state) {
        return std::count_if(names.begin(), names.end(),
                             [&](const Row& name) { return name.text("state") == state; });
    };
    const auto resolved = in_state("resolved"), asked = in_state("asked");
    if (resolved + asked > 0) {
        const std::string rest = asked == 0 ? "" : fmt::format(", {} pending", asked);
        findings.insert(
            findings.begin(),
            {Health::ok, fmt::format("{} of {} names are resolved{}", resolved, names.size(), rest), {}});
    }
    return findings;
}

}  // namespace proxyctl
