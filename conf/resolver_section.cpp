#include "base/text.hpp"
#include "conf/address_block.hpp"
#include "conf/host_name.hpp"
#include "conf/section.hpp"
#include "conf/sections.hpp"

namespace conf {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t dns_port = 53;
constexpr std::size_t most_servers = 8, most_search = 8, most_private = 64;
constexpr Duration longest_ttl = std::chrono::hours(24 * 7);

const std::string server_forms =
    "ADDRESS or ADDRESS:PORT, for example 192.0.2.53, '192.0.2.53:5353' or '[2001:db8::53]:53'";

std::optional<Endpoint> parse_server(const std::string& text) {
    if (const auto address = base::parse_address(text)) return Endpoint(*address, dns_port);
    return base::parse_endpoint(text);
}

/// `::1:53` is an address too, but of nobody: no host has one in that network besides ::1.
bool lacks_brackets(std::string_view text) {
    constexpr std::string_view loopback = "::1:";
    return text.starts_with(loopback) && parse_whole_number(text.substr(loopback.size()));
}

std::optional<Endpoint> read_server(const Place& place) {
    const std::string* text = place.scalar(server_forms);
    if (!text) return std::nullopt;
    const auto server = parse_server(*text);
    if (!server || lacks_brackets(*text)) {
        place.refuse(shown(*text) + " is no address of a name server", server_forms);
    } else if (server->port == 0) {
        place.refuse("a name server has no port 0", "1 to 65535");
    } else if (server->address().is_any() || is_multicast(server->address()) ||
               server->address() == prefix_mask(base::Family::v4, 32)) {
        place.refuse(shown(*text) + " is no address of a single server", "the address of a name server");
    } else {
        return server;
    }
    return std::nullopt;
}

void read_servers(const Place& place, std::vector<Endpoint>& servers) {
    if (place.node.items.size() > most_servers) return place.refuse("more than 8 name servers");
    one_or_more(place, "a list of name servers, each " + server_forms, [&](const Place& item) {
        if (const auto server = read_server(item)) servers.push_back(*server);
    });
}

std::optional<std::string> read_domain(const Place& place) {
    const std::string what = "a domain like example.com";
    const std::string* text = place.scalar(what);
    if (!text) return std::nullopt;
    auto domain = domain_name(*text);
    if (!domain) place.refuse(shown(*text) + " is no domain", what);
    return domain;
}

/// An empty list is an answer here: no domain is searched, whatever resolv.conf says.
void read_search(const Place& place, std::optional<std::vector<std::string>>& search) {
    search.emplace();
    if (place.node.kind == Node::Kind::sequence && place.node.items.empty()) return;
    if (place.node.items.size() > most_search) return place.refuse("more than 8 domains to search");
    one_or_more(place, "a list of domains, or [] for none", [&](const Place& item) {
        if (auto domain = read_domain(item)) search->push_back(std::move(*domain));
    });
}

/// One domain without a dot must be a list of one: a mistyped `true` is no domain.
void read_allow_private(const Place& place, Resolver& resolver) {
    const std::string what = "true, false, a domain with a dot or a list of domains";
    const bool dotted =
        place.node.kind == Node::Kind::scalar && place.node.text.find('.') != std::string::npos;
    if (place.node.kind != Node::Kind::sequence && !dotted) {
        if (const auto all = choice<bool>({{"true", true}, {"false", false}}, what).read(place))
            resolver.allow_private = *all;
        return;
    }
    if (place.node.items.size() > most_private) return place.refuse("more than 64 domains");
    one_or_more(place, what, [&](const Place& item) {
        if (auto domain = read_domain(item)) resolver.private_domains.push_back(std::move(*domain));
    });
}

void read_ttl(const Place& place, TtlRange& range) {
    Section section(place);
    section.optional("min", range.min, duration(1s, longest_ttl));
    section.optional("max", range.max, duration(1s, longest_ttl));
    section.finish();
    if (range.min <= range.max || !place.report.clean(place.path)) return;
    place.refuse("min " + base::format_duration(range.min) + " is longer than max " +
                 base::format_duration(range.max));
}

void read_hosts_file(const Place& place, std::string& file) {
    const std::string what = "an absolute path of a file, or none";
    const std::string* text = place.scalar(what);
    if (!text) return;
    if (*text == "none") {
        file.clear();
    } else if (is_absolute_path(*text)) {
        file = *text;
    } else {
        place.refuse(shown(*text) + " does not fit", what, *text, {"none"});
    }
}

void read_hold(const Place& place, Hold& hold) {
    Section section(place);
    section.optional("datagrams", hold.datagrams, number<std::uint32_t>(1, 1024));
    section.optional("bytes", hold.bytes, size(std::uint64_t{16} << 20, 1));
    section.optional("sessions", hold.sessions, number<std::uint32_t>(0, 1'000'000));
    section.optional("memory", hold.memory, size(std::uint64_t{4} << 30));
    section.finish();
}

void read_times(Section& section, Resolver& resolver) {
    const auto wait = duration(100ms, 5min);
    section.optional("conf-timeout", resolver.conf_timeout, wait);
    section.optional("timeout", resolver.timeout, wait);
    section.optional("server-timeout", resolver.server_timeout, wait);
    section.optional("initial-timeout", resolver.initial_timeout, wait);
    section.optional("connect-timeout", resolver.connect_timeout, wait);
    if (const auto ttl = section.child("ttl")) read_ttl(*ttl, resolver.ttl);
    if (const auto ttl = section.child("negative-ttl")) read_ttl(*ttl, resolver.negative_ttl);
    section.optional("stale-max", resolver.stale_max, duration(0s, longest_duration));
}

}  // namespace

void read_resolver(const Place& place, Resolver& resolver) {
    Section section(place);
    if (const auto servers = section.child("servers")) read_servers(*servers, resolver.servers);
    if (const auto search = section.child("search")) read_search(*search, resolver.search);
    section.optional("dots", resolver.dots, number<unsigned>(0, 15));
    section.optional("tries", resolver.tries, number<unsigned>(1, 10));
    section.optional("families", resolver.families, choice(families()));
    section.optional("conf-transport", resolver.conf_transport, choice(transports()));
    section.optional("transport", resolver.transport, choice(transports()));
    read_times(section, resolver);
    if (const auto domains = section.child("allow-private")) read_allow_private(*domains, resolver);
    if (const auto file = section.child("hosts-file")) read_hosts_file(*file, resolver.hosts_file);
    if (const auto hold = section.child("hold")) read_hold(*hold, resolver.hold);
    section.finish();
}

}  // namespace conf
