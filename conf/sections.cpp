#include <sys/un.h>

#include <algorithm>

#include "conf/address_block.hpp"
#include "conf/host_items.hpp"
#include "conf/host_name.hpp"
#include "conf/section.hpp"
#include "conf/sections.hpp"
#include "conf/words.hpp"

namespace conf {
namespace {

constexpr std::size_t max_group_length = 32;  // as groupadd(8) has it
constexpr std::size_t max_socket_path = sizeof(sockaddr_un::sun_path) - 1;
constexpr unsigned others_may_connect = 0006;

void read_socket(const NodeRef& ref, Control& control) {
    const std::string expected =
        "none or an absolute path of at most " + std::to_string(max_socket_path) + " bytes";
    const std::string* text = ref.scalar(expected);
    if (!text) return;
    if (*text == "none") {
        control.enabled = false;
    } else if (is_absolute_path(*text) && text->size() <= max_socket_path) {
        control.socket = *text;
    } else {
        ref.refuse("invalid socket path " + quote(*text), expected, *text, {"none"});
    }
}

/// Octal digits as chmod(1) has them. The owner must be able to use the socket.
void read_mode(const NodeRef& ref, unsigned& mode) {
    const std::string expected = "four octal digits, '0600' to '0777'";
    const std::string* text = ref.scalar(expected);
    if (!text) return;
    const bool octal = text->size() == 4 && text->find_first_not_of("01234567") == std::string::npos;
    const unsigned value = octal ? static_cast<unsigned>(std::stoul(*text, nullptr, 8)) : 0;
    if (value < 0600 || value > 0777) return ref.refuse("invalid mode " + quote(*text), expected);
    mode = value;
}

bool is_list_name(std::string_view text) {
    return is_word(text) && text.find('.') == std::string_view::npos;
}

bool is_new(const std::vector<NamedList>& lists, std::string_view name) {
    return std::none_of(lists.begin(), lists.end(), [&](const NamedList& list) { return list.name == name; });
}

ValueType<Address> listen_address() {
    const std::string expected = "an IPv4 or IPv6 address of this machine, 0.0.0.0 or '::'";
    auto read = [expected](const NodeRef& ref) -> std::optional<Address> {
        const std::string* text = ref.scalar(expected);
        if (!text) return std::nullopt;
        const auto value = base::parse_address(*text);
        if (!value && *text == "*") {
            ref.refuse("'*' is ambiguous", "0.0.0.0 for all of IPv4, '::' for all of IPv6");
        } else if (base::parse_endpoint(*text)) {
            ref.refuse(quote(*text) + " has a port", "the address alone, and the port in 'port'");
        } else if (base::parse_address(text->substr(0, text->find('/'))) && !value) {
            ref.refuse(quote(*text) + " is a network", expected);
        } else if (!value && host_name(*text)) {
            ref.refuse(quote(*text) + " is a name", expected + ", not a host name or an interface");
        } else if (!value) {
            ref.refuse("invalid address " + quote(*text), expected);
        } else if (is_multicast(*value)) {
            ref.refuse("multicast is not supported: proxyd joins no group", expected);
        } else if (lacks_interface(*value)) {
            refuse_without_interface(ref, *value);
        } else {
            return value;
        }
        return std::nullopt;
    };
    return {expected, read};
}

/// Several ports that are no range need several listeners.
ValueType<PortRange> one_port_or_range() {
    const ValueType<PortRange> type = ports(true);
    auto read = [type](const NodeRef& ref) -> std::optional<PortRange> {
        const bool is_list =
            ref.node.kind == Node::Kind::sequence ||
            (ref.node.kind == Node::Kind::scalar && ref.node.text.find(',') != std::string::npos);
        if (!is_list) return type.read(ref);
        ref.refuse("a list of ports", "one port or range; write an item of listen-on for each");
        return std::nullopt;
    };
    return {type.expected, read};
}

/// What was meant, as the keys of a listener.
std::string listener_form(const std::string& text) {
    const auto keys = [](const Address& address, const std::string& port) {
        return "{address: '" + base::to_string(address) + "', port: " + port + "}";
    };
    // The colon of `*:53` is not in an address.
    const bool any = text.starts_with("*:");
    const auto endpoint = base::parse_endpoint(any ? "0.0.0.0" + text.substr(1) : text);
    if (endpoint) return keys(endpoint->address(), std::to_string(endpoint->port));
    if (const auto address = base::parse_address(text)) return keys(*address, "...");
    if (parse_ports(text)) return keys(Address::any(base::Family::v4), text);
    return "{address: ..., port: ...}";
}

ListenOn read_listener(const NodeRef& ref) {
    ListenOn listener;
    if (ref.node.kind == Node::Kind::scalar) {
        ref.refuse(describe(ref.node) + " instead of a section", listener_form(ref.node.text));
        return listener;
    }
    Section section(ref);
    const bool by_interface = section.unsupported("interface", "address");
    const bool transparent = section.unsupported("transparent", "address, and plug-to in the rule");
    section.unsupported("ip-version", "an address of that version");
    // With an interface given, a second error about the missing address would be noise.
    if (by_interface || transparent) {
        section.optional("address", listener.address, listen_address());
    } else {
        section.required("address", listener.address, listen_address());
    }
    section.required("port", listener.port, one_port_or_range());
    section.finish();
    return listener;
}

}  // namespace

void read_control(const NodeRef& ref, Control& control) {
    Section section(ref, "socket");
    if (const auto socket = section.child("socket")) read_socket(*socket, control);
    if (const auto mode = section.child("mode")) read_mode(*mode, control.mode);
    section.optional("group", control.group, word(max_group_length));
    section.optional("read-only-group", control.read_only_group, word(max_group_length));
    section.finish();
    // The socket file has one group, so members of the other one connect as others.
    const bool two_groups = !control.group.empty() && !control.read_only_group.empty();
    if (two_groups && control.group != control.read_only_group &&
        (control.mode & others_may_connect) != others_may_connect)
        ref.warn(
            "the socket file belongs to 'group', so members of 'read-only-group' cannot open it; mode '0666' "
            "permits them, and all others are still refused");
}

void read_status_file(const NodeRef& ref, StatusFile& status_file) {
    constexpr Duration min = std::chrono::seconds(1), max = std::chrono::hours(24);
    Section section(ref, "path");
    section.required("path", status_file.path, absolute_path());
    section.optional("every", status_file.every, duration(min, max));
    section.optional("format", status_file.format, choice(status_formats()));
    section.finish();
}

void read_lists(const NodeRef& ref, std::vector<NamedList>& lists) {
    Section section(ref);
    if (!ref.is_map()) return;
    if (ref.node.keys.size() > 1000) return ref.refuse("more than 1000 lists");
    // All names first: a list may use a later one.
    for (const Node& key : ref.node.keys) {
        if (key.kind != Node::Kind::scalar) continue;
        if (!is_list_name(key.text)) {
            ref.report.error(key.mark, section.path_of(key.text),
                             with_hint("invalid list name", "1 to 64 letters, digits, '_' or '-'"));
        } else if (is_new(lists, key.text)) {
            lists.push_back({key.text, {}});
        }
    }
    for (NamedList& list : lists) {
        if (const auto items = section.child(list.name)) read_host_items(*items, lists, list.items);
    }
}

void read_listen_on(const NodeRef& ref, std::vector<ListenOn>& listen_on) {
    each_item(ref, "a list of {address: ..., port: ...}",
              [&](const NodeRef& item) { listen_on.push_back(read_listener(item)); });
}

}  // namespace conf
