#include <algorithm>

#include "conf/address_block.hpp"
#include "conf/host_name.hpp"
#include "conf/section.hpp"
#include "conf/sections.hpp"

namespace conf {
namespace {

const std::string server_forms = "ADDRESS:PORT or NAME:PORT, for example 192.0.2.53:53 or '[2001:db8::1]:53'";

/// What follows the last colon is a number, but no port.
bool port_too_large(const std::string& text) {
    const std::string port = text.substr(text.rfind(':') + 1);
    const bool number = text.rfind(':') != std::string::npos && !port.empty() &&
                        std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
    return number && (port.size() > 5 || std::stoul(port) > 65535);
}

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

ValueType<Server> server_type() {
    auto read = [](const NodeRef& ref) -> std::optional<Server> {
        const std::string* text = ref.scalar(server_forms);
        if (!text) return std::nullopt;
        const auto server = parse_server(*text);
        const bool is_address = server && server->name.empty();
        const bool nowhere = is_address && server->endpoint.address().is_any();
        const bool linkless = is_address && lacks_interface(server->endpoint.address());
        if (server && server->endpoint.port != 0 && !nowhere && !linkless) return server;
        const auto meant = base::unbracketed_endpoint(*text);
        if (meant) {
            ref.refuse(quote(*text) + " has no brackets", "'" + base::to_string(*meant) + "'");
        } else if (!server && (base::parse_address(*text) || host_name(*text))) {
            ref.refuse(quote(*text) + " has no port", server_forms);
        } else if (server && server->endpoint.port == 0) {
            ref.refuse("invalid port 0", "1 to 65535");
        } else if (linkless) {
            refuse_without_interface(ref, server->endpoint.address());
        } else if (port_too_large(*text)) {
            ref.refuse(quote(*text) + " has an invalid port", "1 to 65535");
        } else {
            ref.refuse("invalid server " + quote(*text), server_forms);
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
