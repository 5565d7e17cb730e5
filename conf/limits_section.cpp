#include "conf/section.hpp"
#include "conf/sections.hpp"

namespace conf {

void read_limits(const Place& place, SessionLimits& limits) {
    constexpr std::uint64_t most = std::uint64_t{1} << 50;
    const auto time = duration(Duration{0}, longest_duration);
    Section section(place);
    section.optional("unanswered", limits.unanswered, time);
    section.optional("idle", limits.idle, time);
    section.optional("lifetime", limits.lifetime, time);
    section.optional("client-datagrams", limits.client_datagrams, whole_number(0, most));
    section.optional("server-datagrams", limits.server_datagrams, whole_number(0, most));
    section.optional("client-bytes", limits.client_bytes, size(most));
    section.optional("server-bytes", limits.server_bytes, size(most));
    section.optional("idle-bytes", limits.idle_bytes, size(most));
    section.finish();
}

}  // namespace conf
