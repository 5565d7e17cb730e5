#include <algorithm>

#include "conf/address_block.hpp"
#include "conf/section.hpp"
#include "conf/sections.hpp"

namespace conf {
namespace {

const std::string forms = "ADDRESS:PORT, for example 192.0.2.53:53 or '[2001:db8::1]:53'";

bool names_a_host(const std::string& text) {
    const std::string host = text.substr(0, text.rfind(':'));
    return is_word(host, 253) && std::any_of(host.begin(), host.end(),
                                             [](char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; });
}

/// What follows the last colon is a number, but no port.
bool port_too_large(const std::string& text) {
    const std::string port = text.substr(text.rfind(':') + 1);
    const bool number = text.rfind(':') != std::string::npos && !port.empty() &&
                        std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
    return number && (port.size() > 5 || std::stoul(port) > 65535);
}

Expect<Endpoint> server_endpoint() {
    auto read = [](const Place& place) -> std::optional<Endpoint> {
        const std::string* text = place.scalar(forms);
        if (!text) return std::nullopt;
        const auto endpoint = base::parse_endpoint(*text);
        if (endpoint && endpoint->port != 0 && !endpoint->address().is_any()) return endpoint;
        if (!endpoint && names_a_host(*text)) {
            place.refuse("host names come with a later version; give the address of " + shown(*text));
        } else if (!endpoint && base::parse_address(*text)) {
            place.refuse(shown(*text) + " has no port", forms);
        } else if (endpoint && endpoint->port == 0) {
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
        section.required("server", server.endpoint, server_endpoint());
        section.optional("weight", server.weight, number<unsigned>(1, 1000));
        section.finish();
    } else if (const auto endpoint = server_endpoint().read(place)) {
        server.endpoint = *endpoint;
    }
    return server;
}

}  // namespace

void read_plug_to(const Place& place, std::vector<Server>& servers) {
    one_or_more(place, "a list of servers, each " + forms,
                [&](const Place& item) { servers.push_back(read_server(item)); });
}

}  // namespace conf
