#include "resolvers/counters.hpp"

#include <fmt/format.h>

namespace resolvers {

std::string Counters::text() const {
    std::string text = fmt::format(
        "asked {}, literals {}, hosts file {}, cached {}, joined {}, look-ups {}, sent UDP {}, sent TCP {}, "
        "not ours {}, malformed {}, truncated {}, silent {}, unreachable {}",
        asked, literals, hosts, cached, joined, lookups, sent_udp, sent_tcp, not_ours, malformed, truncated,
        silent, unreachable);
    for (std::size_t status = 0; status < outcomes.size(); ++status)
        if (outcomes[status] != 0)
            text += fmt::format(", {} {}", to_string(static_cast<Answer::Status>(status)), outcomes[status]);
    return text;
}

}  // namespace resolvers
