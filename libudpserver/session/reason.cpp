#include <array>

#include "libudpserver/session/record.hpp"

namespace session {

namespace {

constexpr auto names = std::to_array<std::string_view>({
    "none",
    "idle",
    "unanswered",
    "lifetime",
    "client-datagrams",
    "server-datagrams",
    "client-bytes",
    "server-bytes",
    "one-way-reply",
    "acl",
    "no-target",
    "sessions-full",
    "source-limited",
    "rate-limited",
    "no-socket",
    "socket-error",
    "icmp-error",
    "evicted",
    "policy",
    "admin",
    "process-end",
    "proxy",
    "adoption",
    "bad-source",
    "truncated",
    "resolve-failure",
    "name-change",
    "no-answer",
    "loop",
    "unconfirmed",
    "source-rate",
    "queue-age",
    "overload",
});
static_assert(names.size() == static_cast<std::size_t>(CloseReason::count_));

}  // namespace

std::string_view to_string(CloseReason reason) {
    // A record in shared memory may hold anything after a crash.
    const auto index = static_cast<std::size_t>(reason);
    return index < names.size() ? names[index] : "unknown";
}

}  // namespace session
