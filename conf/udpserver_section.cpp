#include "conf/section.hpp"
#include "conf/sections.hpp"
#include "conf/words.hpp"

namespace conf {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t max_sessions_limit = 4'000'000;
constexpr unsigned max_workers = 64;
constexpr std::uint64_t max_buffer_bytes = 1u << 30;

void read_workers(const NodeRef& ref, unsigned processors, unsigned& workers) {
    const std::string expected = "a whole number from 1 to 64, or auto";
    const std::string* text = ref.scalar(expected);
    if (!text) return;
    const auto value = *text == "auto"
                           ? std::optional<std::uint64_t>(std::min(std::max(processors, 1u), max_workers))
                           : parse_whole_number(*text);
    if (value && *value >= 1 && *value <= max_workers) {
        workers = static_cast<unsigned>(*value);
    } else {
        ref.refuse("invalid value " + quote(*text), expected, *text, {"auto"});
    }
}

void read_max_restarts(const NodeRef& ref, MaxRestarts& restarts) {
    Section section(ref, "count");
    section.optional("count", restarts.count, number<unsigned>(1, 1000));
    section.optional("within", restarts.within, duration(1s, 24h));
    section.finish();
}

void read_source_limits(const NodeRef& ref, SourceLimits& limits) {
    Section section(ref, "open");
    section.optional("new-per-second", limits.new_per_second, number<std::uint32_t>(0, max_sessions_limit));
    section.optional("open", limits.open, number<std::uint32_t>(0, max_sessions_limit));
    read_datagram_rate(section, limits.rate);
    section.finish();
}

}  // namespace

void read_udpserver(const NodeRef& ref, unsigned processors, UdpServer& udpserver) {
    Section section(ref, "max-sessions");
    section.required("max-sessions", udpserver.max_sessions, number<std::uint32_t>(1, max_sessions_limit));
    if (const auto workers = section.child("workers")) read_workers(*workers, processors, udpserver.workers);
    if (const auto restarts = section.child("max-restarts"))
        read_max_restarts(*restarts, udpserver.max_restarts);
    section.optional("on-crash-loop", udpserver.on_crash_loop, choice(crash_loop_actions()));
    section.optional("unanswered-share", udpserver.unanswered_share, percent());
    section.optional("unconfirmed-share", udpserver.unconfirmed_share, percent());
    section.optional("source-share", udpserver.source_share, percent());
    section.optional("new-sessions-per-second", udpserver.new_sessions_per_second,
                     number<std::uint32_t>(0, max_sessions_limit));
    if (const auto limits = section.child("per-address")) read_source_limits(*limits, udpserver.per_address);
    if (const auto limits = section.child("per-network")) read_source_limits(*limits, udpserver.per_network);
    section.optional("server-side", udpserver.server_side, choice(server_sides()));
    section.optional("server-ports", udpserver.server_ports, ports(false));
    section.optional("quarantine", udpserver.quarantine, duration(0s, 1h));
    section.optional("quarantine-answered", udpserver.quarantine_answered, duration(0s, 1h));
    section.optional("receive-buffer", udpserver.receive_buffer, size(max_buffer_bytes));
    section.optional("send-buffer", udpserver.send_buffer, size(max_buffer_bytes));
    section.optional("max-queue-age", udpserver.max_queue_age, duration(0s, 1min));
    section.optional("heartbeat", udpserver.heartbeat, duration(100ms, 1h));
    section.optional("stop-timeout", udpserver.stop_timeout, duration(100ms, 5min));
    section.finish();
}

}  // namespace conf
