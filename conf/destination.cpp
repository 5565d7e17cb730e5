#include "conf/destination.hpp"

#include <algorithm>
#include <optional>

#include "conf/host_items.hpp"
#include "conf/value_type.hpp"

namespace conf {
namespace {

const std::string destination_forms =
    "a host item, optionally with a port, for example 10.0.1.1:53, '[2001:db8::1]:53' or '*:5060-5070'";

struct HostAndPorts {
    std::string host;
    std::optional<std::string> ports;
};

/// Finds the port. More than one colon without brackets is an IPv6 address without a port.
HostAndPorts split(std::string_view text) {
    const std::string sign = text.starts_with('!') ? "!" : "";
    text.remove_prefix(sign.size());
    const std::size_t bracket = text.find(']');
    if (text.starts_with('[') && bracket != std::string_view::npos) {
        const std::string_view rest = text.substr(bracket + 1);
        const std::string host = sign + std::string(text.substr(1, bracket - 1));
        if (rest.empty()) return {host, std::nullopt};
        return {host, std::string(rest.starts_with(':') ? rest.substr(1) : rest)};
    }
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos) {
        return {sign + std::string(text), std::nullopt};
    }
    return {sign + std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

std::optional<Destination> read_destination(const NodeRef& ref, const std::vector<NamedList>& lists) {
    const std::string* text = ref.scalar(destination_forms);
    if (!text) return std::nullopt;
    if (text->starts_with('~') || text->starts_with("!~")) {
        ref.refuse("a regular expression matches names of clients and is not allowed in 'to'",
                   destination_forms);
        return std::nullopt;
    }
    const std::string_view bare = std::string_view(*text).substr(text->starts_with('!') ? 1 : 0);
    if (const auto meant = base::unbracketed_endpoint(bare)) {
        ref.refuse(quote(bare) + " may be an address, or an address with port " + std::to_string(meant->port),
                   "'" + base::to_string(*meant) + "' for the port, or '[" + std::string(bare) +
                       "]' for the address");
        return std::nullopt;
    }
    const HostAndPorts parts = split(*text);
    const auto host = read_host_item(ref, parts.host, lists);
    if (!host) return std::nullopt;
    Destination destination{*host, {0, 65535}};
    if (!parts.ports) return destination;
    const auto range = parse_ports(*parts.ports);
    if (!range || range->first == 0 || range->first > range->last) {
        ref.refuse("invalid port or range " + quote(*parts.ports), destination_forms);
        return std::nullopt;
    }
    destination.port = *range;
    return destination;
}

}  // namespace

void read_destinations(const NodeRef& ref, const std::vector<NamedList>& lists,
                       std::vector<Destination>& to) {
    one_or_more(ref, destination_forms, [&](const NodeRef& item) {
        if (const auto destination = read_destination(item, lists)) to.push_back(*destination);
    });
}

std::string to_string(const Destination& destination, const std::vector<NamedList>& lists) {
    std::string host = to_string(destination.host, lists);
    const PortRange& port = destination.port;
    const std::size_t sign = destination.host.negated ? 1 : 0;
    const bool has_port = port != PortRange{0, 65535};
    // Without brackets the last group of such an address could be a port.
    const bool is_ambiguous = base::unbracketed_endpoint(std::string_view(host).substr(sign)).has_value();
    if (has_port ? host.find(':') != std::string::npos : is_ambiguous) {
        host.insert(sign, "[");
        host += "]";
    }
    if (!has_port) return host;
    host += ":" + std::to_string(port.first);
    return port.first == port.last ? host : host + "-" + std::to_string(port.last);
}

}  // namespace conf
