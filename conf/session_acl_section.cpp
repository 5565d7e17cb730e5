#include "conf/address_block.hpp"
#include "conf/destination.hpp"
#include "conf/host_items.hpp"
#include "conf/section.hpp"
#include "conf/sections.hpp"
#include "conf/time_window.hpp"
#include "conf/words.hpp"

namespace conf {
namespace {

constexpr std::size_t most_rules = 4096;  // a session keeps the index of its rule in 16 bits

void read_source_address(const Place& place, std::optional<Address>& source) {
    const std::string what = "proxy or an address of this machine";
    const std::string* text = place.scalar(what);
    if (!text || *text == "proxy") return;
    const auto value = base::parse_address(*text);
    if (*text == "client") {
        place.refuse("client comes with a later version; give proxy or an address");
    } else if (base::parse_address(text->substr(0, text->find('/'))) && !value) {
        place.refuse("a prefix comes with a later version; give proxy or an address");
    } else if (!value || value->is_any() || is_multicast(*value)) {
        place.refuse(shown(*text) + " does not fit", what, *text, {"proxy"});
    } else {
        source = value;
    }
}

void read_source_port(const Place& place, std::optional<PortRange>& source) {
    const std::string* text = place.scalar("system or " + ports(false).what);
    if (!text || *text == "system") return;
    if (*text == "client") {
        place.refuse("client comes with a later version; give system or a range of ports");
    } else {
        source = ports(false).read(place);
    }
}

void read_conditions(Section& section, const std::vector<NamedList>& lists, Rule& rule) {
    if (const auto from = section.child("from")) read_host_items(*from, lists, rule.from);
    if (const auto to = section.child("to")) read_destinations(*to, lists, rule.to);
    if (const auto time = section.child("time")) read_time(*time, rule.time);
    if (const auto dscp = section.child("dscp")) read_dscp(*dscp, rule.dscp);
}

void read_actions(Section& section, Rule& rule) {
    section.required("action", rule.action, choice(actions()));
    if (const auto servers = section.child("plug-to")) read_plug_to(*servers, rule.plug_to);
    section.optional("udp-session-type", rule.type, choice(session_types()));
    section.optional("any-port-strict", rule.any_port_strict, boolean());
    section.optional("broadcast-prefix", rule.broadcast_prefix, number<unsigned>(0, 128));
    if (const auto limits = section.child("limits")) read_limits(*limits, rule.limits);
    if (const auto source = section.child("source-address"))
        read_source_address(*source, rule.source_address);
    if (const auto source = section.child("source-port")) read_source_port(*source, rule.source_port);
    section.optional("on-icmp-error", rule.on_icmp_error, choice(icmp_errors()));
    section.optional("on-name-change", rule.on_name_change, choice(name_changes()));
}

Rule read_rule(const Place& place, std::size_t number, const std::vector<NamedList>& lists) {
    Rule rule;
    rule.name = "#" + std::to_string(number);
    Section section(place);
    section.optional("name", rule.name, word());
    read_conditions(section, lists, rule);
    read_actions(section, rule);
    section.finish();
    return rule;
}

}  // namespace

void read_session_acl(const Place& place, const std::vector<NamedList>& lists, std::vector<Rule>& rules) {
    if (place.node.items.size() > most_rules) return place.refuse("more than 4096 rules");
    each_item(place, "a list of rules, each with action: accept or deny",
              [&](const Place& item) { rules.push_back(read_rule(item, rules.size() + 1, lists)); });
}

}  // namespace conf
