#include <string_view>

#include "conf/address_block.hpp"
#include "conf/host_name.hpp"
#include "conf/section.hpp"
#include "conf/sections.hpp"

namespace conf {
namespace {

const std::string server_forms = "ADDRESS:PORT or NAME:PORT, for example 192.0.2.53:53 or '[2001:db8::1]:53'";

/// An address or a name with a port, which may still be 0.
std::optional<Server> parse_server(const std::string& text) {
    Server server;
    if (const auto endpoint = base::parse_endpoint(text)) {
        server.endpoint = *endpoint;
        return server;
    }
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos) return std::nullopt;
    const auto name = host_name(std::string_view(text).substr(0, colon));
    const auto port = parse_whole_number(std::string_view(text).substr(colon + 1));
    if (!name || !port || *port > 65535) return std::nullopt;
    server.name = *name;
    server.endpoint.port = static_cast<std::uint16_t>(*port);
    return server;
}

bool has_only(std::string_view text, std::string_view characters) {
    return !text.empty() && text.find_first_not_of(characters) == std::string_view::npos;
}

/// A text that is not a server.
void refuse_text(const NodeRef& ref, const std::string& text) {
    constexpr std::string_view digits = "0123456789";
    const std::size_t colon = text.rfind(':');
    const std::string host = text.substr(0, colon);
    const std::string port = colon == std::string::npos ? "" : text.substr(colon + 1);
    const bool in_brackets = text.starts_with('[') && text.ends_with(']');
    const bool has_host = base::parse_endpoint(host + ":1").has_value() || host_name(host);
    if (const auto meant = base::unbracketed_endpoint(text)) {
        ref.refuse(quote(text) + " has no brackets", "'" + base::to_string(*meant) + "'");
    } else if (base::parse_address(text) || host_name(text) || in_brackets) {
        ref.refuse(quote(text) + " has no port", server_forms);
    } else if (text.find(',') != std::string::npos) {
        ref.refuse(quote(text) + " has a comma", "a list with an item for each server");
    } else if (text.find(' ') != std::string::npos) {
        ref.refuse(quote(text) + " has a blank", server_forms);
    } else if (host.find('/') != std::string::npos || host == "*") {
        ref.refuse(quote(host) + " is not a single server", server_forms);
    } else if (has_host && has_only(port, digits)) {
        ref.refuse(quote(text) + " has an invalid port", "1 to 65535");
    } else if (has_host && has_only(port, "0123456789-")) {
        ref.refuse(quote(text) + " has a range of ports", "one port; write a rule for each with 'to'");
    } else if (has_host && !port.empty()) {
        ref.refuse(quote(port) + " is not a port number", "1 to 65535");
    } else {
        ref.refuse("invalid server " + quote(text), server_forms);
    }
}

ValueType<Server> server_type() {
    auto read = [](const NodeRef& ref) -> std::optional<Server> {
        const std::string* text = ref.scalar(server_forms);
        if (!text) return std::nullopt;
        const auto server = parse_server(*text);
        const bool is_address = server && server->name.empty();
        if (!server) {
            refuse_text(ref, *text);
        } else if (server->endpoint.port == 0) {
            ref.refuse("invalid port 0", "1 to 65535");
        } else if (is_address && server->endpoint.address().is_any()) {
            ref.refuse(quote(*text) + " stands for all addresses and is not a server", server_forms);
        } else if (is_address && lacks_interface(server->endpoint.address())) {
            refuse_without_interface(ref, server->endpoint.address());
        } else {
            return server;
        }
        return std::nullopt;
    };
    return {server_forms, read};
}

Server read_target(const NodeRef& ref) {
    Server server;
    if (ref.is_map()) {
        Section section(ref);
        section.required("server", server, server_type());
        section.optional("weight", server.weight, number<unsigned>(1, 1000));
        section.finish();
    } else if (auto read = server_type().read(ref)) {
        server = std::move(*read);
    }
    return server;
}

}  // namespace

void read_plug_to(const NodeRef& ref, std::vector<Server>& servers) {
    one_or_more(ref, "a list of servers, each " + server_forms,
                [&](const NodeRef& item) { servers.push_back(read_target(item)); });
}

}  // namespace conf
