#include <fmt/core.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <exception>

#include "bench/argument.hpp"
#include "bench/udp_relay/relay.hpp"

namespace {

const char* const usage =
    "usage: udp-relay ADDRESS:PORT SERVER:PORT\n"
    "Relays datagrams to the server and replies back, with a connected socket for each client and no "
    "policy.\n"
    "When the descriptors are used up, the oldest session closes.\n";

constexpr std::size_t other_descriptors = 16;

base::Endpoint endpoint(const char* text) {
    const auto parsed = base::parse_endpoint(text);
    if (!parsed) throw bench::UsageError(fmt::format("'{}': ADDRESS:PORT is expected", text));
    return *parsed;
}

// One for each descriptor that the process may open.
std::size_t max_sessions() {
    rlimit limit{};
    (void)::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
    return std::clamp<std::size_t>(limit.rlim_cur, 2 * other_descriptors, 1'000'000) - other_descriptors;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        if (argc != 3) throw bench::UsageError("two arguments are expected");
        relay::Relay(endpoint(argv[1]), endpoint(argv[2]), max_sessions()).run();
    } catch (const bench::UsageError& error) {
        fmt::print(stderr, "udp-relay: {}\n{}", error.what(), usage);
        return 2;
    } catch (const std::exception& error) {
        fmt::print(stderr, "udp-relay: {}\n", error.what());
        return 1;
    }
}
