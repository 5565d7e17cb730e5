#include "conf/section.hpp"
#include "conf/sections.hpp"

namespace conf {
namespace {

Expect<Address> listen_address() {
    const std::string what = "an IPv4 or IPv6 address of this machine, 0.0.0.0 or '::'";
    auto read = [what](const Place& place) -> std::optional<Address> {
        const std::string* text = place.scalar(what);
        if (!text) return std::nullopt;
        const auto value = base::parse_address(*text);
        if (!value && *text == "*") {
            place.refuse("'*' would be two listeners", "0.0.0.0 for all of IPv4, '::' for all of IPv6");
        } else if (!value) {
            place.refuse(shown(*text) + " is no address", what);
        }
        return value;
    };
    return {what, read};
}

ListenOn read_listener(const Place& place) {
    ListenOn listener;
    Section section(place);
    const bool by_interface = section.later("interface", "give the address");
    const bool transparent =
        section.later("transparent", "give the address to listen on, and plug-to in the rule");
    section.later("ip-version", "the address tells the version");
    // Whoever names an interface need not be told as well that the address is missing.
    if (by_interface || transparent) {
        section.optional("address", listener.address, listen_address());
    } else {
        section.required("address", listener.address, listen_address());
    }
    section.required("port", listener.port, ports(true));
    section.finish();
    return listener;
}

}  // namespace

void read_listen_on(const Place& place, std::vector<ListenOn>& listen_on) {
    each_item(place, "a list of {address: ..., port: ...}",
              [&](const Place& item) { listen_on.push_back(read_listener(item)); });
}

}  // namespace conf
