#include "base/text.hpp"
#include "conf/address_block.hpp"
#include "conf/host_name.hpp"
#include "conf/section.hpp"
#include "conf/sections.hpp"

namespace conf {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t dns_port = 53;
constexpr std::size_t max_servers = 8, max_search_domains = 8, max_private_domains = 64;
constexpr Duration max_ttl = std::chrono::hours(24 * 7);

const std::string name_server_forms =
    "ADDRESS or ADDRESS:PORT, for example 192.0.2.53, '192.0.2.53:5353' or '[2001:db8::53]:53'";

std::optional<Endpoint> parse_name_server(const std::string& text) {
    if (const auto address = base::parse_address(text)) return Endpoint(*address, dns_port);
    return base::parse_endpoint(text);
}

/// `::1:53` is also a valid address, but an unused one: no host has an address in that network besides ::1.
bool lacks_brackets(std::string_view text) {
    constexpr std::string_view loopback = "::1:";
    return text.starts_with(loopback) && parse_whole_number(text.substr(loopback.size()));
}

std::optional<Endpoint> read_name_server(const NodeRef& ref) {
    const std::string* text = ref.scalar(name_server_forms);
    if (!text) return std::nullopt;
    const auto server = parse_name_server(*text);
    if (!server || lacks_brackets(*text)) {
        ref.refuse("invalid name server " + quote(*text), name_server_forms);
    } else if (server->port == 0) {
        ref.refuse("invalid port 0", "1 to 65535");
    } else if (server->address().is_any() || is_multicast(server->address()) ||
               server->address() == prefix_mask(base::Family::v4, 32)) {
        ref.refuse(quote(*text) + " is not the address of a single server", "the address of a name server");
    } else if (lacks_interface(server->address())) {
        refuse_without_interface(ref, server->address());
    } else {
        return server;
    }
    return std::nullopt;
}

void read_name_servers(const NodeRef& ref, std::vector<Endpoint>& servers) {
    if (ref.node.items.size() > max_servers) return ref.refuse("more than 8 name servers");
    one_or_more(ref, "a list of name servers, each " + name_server_forms, [&](const NodeRef& item) {
        if (const auto server = read_name_server(item)) servers.push_back(*server);
    });
}

std::optional<std::string> read_domain(const NodeRef& ref) {
    const std::string expected = "a domain like example.com";
    const std::string* text = ref.scalar(expected);
    if (!text) return std::nullopt;
    auto domain = domain_name(*text);
    if (!domain) ref.refuse("invalid domain " + quote(*text), expected);
    return domain;
}

/// An empty list is an answer here: no domain is searched, even if resolv.conf has some.
void read_search(const NodeRef& ref, std::optional<std::vector<std::string>>& search) {
    search.emplace();
    if (ref.node.kind == Node::Kind::sequence && ref.node.items.empty()) return;
    if (ref.node.items.size() > max_search_domains) return ref.refuse("more than 8 domains to search");
    one_or_more(ref, "a list of domains, or [] for none", [&](const NodeRef& item) {
        if (auto domain = read_domain(item)) search->push_back(std::move(*domain));
    });
}

/// One domain without a dot must be a list of one: a mistyped `true` is no domain.
void read_allow_private(const NodeRef& ref, Resolver& resolver) {
    const std::string expected = "true, false, a domain with a dot or a list of domains";
    const bool dotted = ref.node.kind == Node::Kind::scalar && ref.node.text.find('.') != std::string::npos;
    if (ref.node.kind != Node::Kind::sequence && !dotted) {
        if (const auto all = choice<bool>({{"true", true}, {"false", false}}, "value", expected).read(ref))
            resolver.allow_private = *all;
        return;
    }
    if (ref.node.items.size() > max_private_domains) return ref.refuse("more than 64 domains");
    one_or_more(ref, expected, [&](const NodeRef& item) {
        if (auto domain = read_domain(item)) resolver.private_domains.push_back(std::move(*domain));
    });
}

void read_ttl(const NodeRef& ref, TtlRange& range) {
    Section section(ref, "max");
    section.optional("min", range.min, duration(1s, max_ttl));
    section.optional("max", range.max, duration(1s, max_ttl));
    section.finish();
    if (range.min <= range.max || !ref.report.is_clean(ref.path)) return;
    ref.refuse("min " + base::format_duration(range.min) + " exceeds max " +
               base::format_duration(range.max));
}

void read_hosts_file(const NodeRef& ref, std::string& file) {
    const std::string expected = "an absolute file path or none";
    const std::string* text = ref.scalar(expected);
    if (!text) return;
    if (*text == "none") {
        file.clear();
    } else if (is_absolute_path(*text)) {
        file = *text;
    } else {
        ref.refuse("invalid value " + quote(*text), expected, *text, {"none"});
    }
}

void read_hold(const NodeRef& ref, Hold& hold) {
    Section section(ref);
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
    section.optional("stale-max", resolver.stale_max, duration(0s, max_duration));
    section.optional("negative-grace", resolver.negative_grace, duration(0s, 1h));
}

}  // namespace

void read_resolver(const NodeRef& ref, Resolver& resolver) {
    Section section(ref, "servers");
    if (const auto servers = section.child("servers")) read_name_servers(*servers, resolver.servers);
    if (const auto search = section.child("search")) read_search(*search, resolver.search);
    section.optional("dots", resolver.dots, number<unsigned>(0, 15));
    section.optional("tries", resolver.tries, number<unsigned>(1, 10));
    section.optional("families", resolver.families, choice(families()));
    section.optional("conf-transport", resolver.conf_transport, choice(transports(), "transport"));
    section.optional("transport", resolver.transport, choice(transports(), "transport"));
    read_times(section, resolver);
    if (const auto domains = section.child("allow-private")) read_allow_private(*domains, resolver);
    if (const auto file = section.child("hosts-file")) read_hosts_file(*file, resolver.hosts_file);
    if (const auto hold = section.child("hold")) read_hold(*hold, resolver.hold);
    section.finish();
}

}  // namespace conf
