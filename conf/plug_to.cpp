#include <algorithm>

#include "conf/host_name.hpp"
#include "conf/section.hpp"
#include "conf/sections.hpp"

namespace conf {
namespace {

const std::string forms = "ADDRESS:PORT or NAME:PORT, for example 192.0.2.53:53 or '[2001:db8::1]:53'";

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

Expect<Server> target() {
    auto read = [](const Place& place) -> std::optional<Server> {
        const std::string* text = place.scalar(forms);
        if (!text) return std::nullopt;
        const auto server = parse_server(*text);
        const bool nowhere = server && server->name.empty() && server->endpoint.address().is_any();
        if (server && server->endpoint.port != 0 && !nowhere) return server;
        if (!server && (base::parse_address(*text) || host_name(*text))) {
            place.refuse(shown(*text) + " has no port", forms);
        } else if (server && server->endpoint.port == 0) {
            place.refuse("a server has no port 0", "1 to 65535");
        } else if (port_too_large(*text)) {
            place.refuse(shown(*text) + " has a port that is too large", "1 to 65535");
        } else {
            place.refuse(shown(*text) + " is no address of a server", forms);
        }
        return std::nullopt;
    };
    return {forms, read};
}

Server read_server(const Place& place) {
    Server server;
    if (place.is_map()) {
        Section section(place);
        section.required("server", server, target());
        section.optional("weight", server.weight, number<unsigned>(1, 1000));
        section.finish();
    } else if (auto read = target().read(place)) {
        server = std::move(*read);
    }
    return server;
}

}  // namespace

void read_plug_to(const Place& place, std::vector<Server>& servers) {
    one_or_more(place, "a list of servers, each " + forms,
                [&](const Place& item) { servers.push_back(read_server(item)); });
}

}  // namespace conf
