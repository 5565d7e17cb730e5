#include <algorithm>

#include "conf/section.hpp"
#include "conf/sections.hpp"

namespace conf {

void read_dscp(const Place& place, Dscp& dscp) {
    const auto value = number<std::uint8_t>(0, 63);
    Section section(place);
    if (const auto match = section.child("match")) {
        one_or_more(*match, "a list of DSCP values, 0 to 63", [&](const Place& item) {
            const auto read = value.read(item);
            if (!read) return;
            if (std::count(dscp.match.begin(), dscp.match.end(), *read))
                return item.warn("the value is given twice");
            dscp.match.push_back(*read);
        });
    }
    section.optional("to-server", dscp.to_server, value);
    section.optional("to-client", dscp.to_client, value);
    section.finish();
}

}  // namespace conf
