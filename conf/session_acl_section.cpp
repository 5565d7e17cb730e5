#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "conf/address_block.hpp"
#include "conf/destination.hpp"
#include "conf/host_items.hpp"
#include "conf/section.hpp"
#include "conf/sections.hpp"
#include "conf/time_window.hpp"
#include "conf/value_type.hpp"
#include "conf/words.hpp"

namespace conf {
namespace {

constexpr std::size_t max_rules = 4096;  // a session keeps the index of its rule in 16 bits

void read_source_address(const NodeRef& ref, std::optional<Address>& source) {
    const std::string expected = "proxy or an address of this machine";
    const std::string* text = ref.scalar(expected);
    if (!text || *text == "proxy") return;
    const auto value = base::parse_address(*text);
    if (*text == "client") {
        ref.refuse("client is not supported yet", "proxy or an address");
    } else if (base::parse_address(text->substr(0, text->find('/'))) && !value) {
        ref.refuse("a prefix is not supported yet", "proxy or an address");
    } else if (!value || value->is_any() || is_multicast(*value)) {
        ref.refuse("invalid value " + quote(*text), expected, *text, {"proxy"});
    } else if (lacks_interface(*value)) {
        refuse_without_interface(ref, *value);
    } else {
        source = value;
    }
}

void read_source_port(const NodeRef& ref, std::optional<PortRange>& source) {
    const std::string* text = ref.scalar("system or " + ports(false).expected);
    if (!text || *text == "system") return;
    if (*text == "client") {
        ref.refuse("client is not supported yet", "system or a port range");
    } else {
        source = ports(false).read(ref);
    }
}

void read_no_answer(const NodeRef& ref, NoAnswer& no_answer) {
    Section section(ref, "time");
    section.optional("datagrams", no_answer.datagrams, number<std::uint32_t>(1, 10'000));
    section.optional("time", no_answer.time, duration(Duration{0}, max_duration));
    section.finish();
}

/// `1/100` as 100; nothing for other texts.
std::optional<std::uint32_t> parse_sample(const std::string& text) {
    constexpr std::uint32_t max_sample = 1'000'000;
    if (!text.starts_with("1/")) return std::nullopt;
    const auto value = parse_whole_number(std::string_view(text).substr(2));
    if (!value || *value < 1 || *value > max_sample) return std::nullopt;
    return static_cast<std::uint32_t>(*value);
}

void read_record(const NodeRef& ref, Recording& record) {
    const std::string expected = "always, refused, never, or 1/N with N from 1 to 1000000";
    const std::string* text = ref.scalar(expected);
    if (!text) return;
    if (*text == "always") {
        record = {};
    } else if (*text == "refused" || *text == "never") {
        record = {.refusals = *text == "refused", .one_of = 0};
    } else if (const auto sample = parse_sample(*text)) {
        record = {.refusals = true, .one_of = *sample};
    } else {
        ref.refuse("invalid value " + quote(*text), expected, *text, {"always", "refused", "never"});
    }
}

void read_conditions(Section& section, const std::vector<NamedList>& lists, Rule& rule) {
    if (const auto from = section.child("from")) read_host_items(*from, lists, rule.from);
    if (const auto to = section.child("to")) read_destinations(*to, lists, rule.to);
    if (const auto time = section.child("time")) read_time(*time, rule.time);
    if (const auto dscp = section.child("dscp")) read_dscp(*dscp, rule.dscp);
}

void read_actions(Section& section, Rule& rule) {
    section.required("action", rule.action, choice(actions(), "action"));
    if (const auto servers = section.child("plug-to")) read_plug_to(*servers, rule.plug_to);
    section.optional("udp-session-type", rule.type, choice(session_types(), "session type"));
    section.optional("any-port-strict", rule.any_port_strict, boolean());
    section.optional("broadcast-prefix", rule.broadcast_prefix, number<unsigned>(0, 128));
    if (const auto limits = section.child("limits")) read_limits(*limits, rule.limits);
    if (const auto source = section.child("source-address"))
        read_source_address(*source, rule.source_address);
    if (const auto source = section.child("source-port")) read_source_port(*source, rule.source_port);
    section.optional("on-icmp-error", rule.on_icmp_error, choice(icmp_errors()));
    section.optional("on-name-change", rule.on_name_change, choice(name_changes()));
    if (const auto record = section.child("record")) read_record(*record, rule.record);
}

Rule read_rule(const NodeRef& ref, std::size_t number, const std::vector<NamedList>& lists) {
    Rule rule;
    rule.name = "#" + std::to_string(number);
    Section section(ref, "action");
    section.optional("name", rule.name, word());
    read_conditions(section, lists, rule);
    read_actions(section, rule);
    section.finish();
    return rule;
}

}  // namespace

void read_datagram_rate(Section& section, DatagramRate& out) {
    section.optional("rate", out.rate, rate());
    section.optional("burst", out.burst, number<std::uint32_t>(0, 10'000'000));
}

void read_limits(const NodeRef& ref, SessionLimits& limits) {
    constexpr std::uint64_t max = std::uint64_t{1} << 50;
    const auto time = duration(Duration{0}, max_duration);
    Section section(ref, "idle");
    section.optional("unanswered", limits.unanswered, time);
    section.optional("unconfirmed", limits.unconfirmed, time);
    section.optional("idle", limits.idle, time);
    section.optional("lifetime", limits.lifetime, time);
    section.optional("client-datagrams", limits.client_datagrams, whole_number(0, max));
    section.optional("server-datagrams", limits.server_datagrams, whole_number(0, max));
    section.optional("client-bytes", limits.client_bytes, size(max));
    section.optional("server-bytes", limits.server_bytes, size(max));
    if (const auto no_answer = section.child("no-answer")) read_no_answer(*no_answer, limits.no_answer);
    section.optional("idle-bytes", limits.idle_bytes, size(max));
    read_datagram_rate(section, limits.rate);
    section.finish();
}

void read_dscp(const NodeRef& ref, Dscp& dscp) {
    const auto value = number<std::uint8_t>(0, 63);
    Section section(ref);
    if (const auto match = section.child("match")) {
        one_or_more(*match, "a list of DSCP values, 0 to 63", [&](const NodeRef& item) {
            const auto read = value.read(item);
            if (!read) return;
            if (std::count(dscp.match.begin(), dscp.match.end(), *read)) return item.warn("duplicate value");
            dscp.match.push_back(*read);
        });
    }
    section.optional("to-server", dscp.to_server, value);
    section.optional("to-client", dscp.to_client, value);
    section.finish();
}

void read_session_acl(const NodeRef& ref, const std::vector<NamedList>& lists, std::vector<Rule>& rules) {
    if (ref.node.items.size() > max_rules) return ref.refuse("more than 4096 rules");
    each_item(ref, "a list of rules, each with action: accept or deny",
              [&](const NodeRef& item) { rules.push_back(read_rule(item, rules.size() + 1, lists)); });
}

}  // namespace conf
