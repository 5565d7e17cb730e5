#include "proxyctl/bind_check.hpp"

#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "base/unique_fd.hpp"

using Catch::Matchers::Contains;
using proxyctl::bind_problem;

namespace {

conf::ListenOn at(const char* address, std::uint16_t first, std::uint16_t last) {
    return {*base::parse_address(address), {first, last}};
}

/// A port of 127.0.0.1 that another program has.
struct TakenPort {
    base::UniqueFd fd{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    base::Endpoint endpoint;

    TakenPort() {
        sockaddr_storage address{};
        socklen_t size = base::to_sockaddr(*base::parse_endpoint("127.0.0.1:0"), address);
        auto* const raw = reinterpret_cast<sockaddr*>(&address);
        REQUIRE(::bind(fd.get(), raw, size) == 0);
        size = sizeof address;
        REQUIRE(::getsockname(fd.get(), raw, &size) == 0);
        endpoint = base::from_sockaddr(address, size);
    }
};

}  // namespace

TEST_CASE("a restart finds ports of other programs, which its own are not") {
    const TakenPort taken;
    const base::Endpoint endpoint = taken.endpoint;
    const conf::ListenOn there = at("127.0.0.1", endpoint.port, endpoint.port);
    CHECK_THAT(bind_problem({there}, {}), Contains(base::to_string(endpoint) + ": Address already in use"));
    CHECK_THAT(bind_problem({at("0.0.0.0", endpoint.port, endpoint.port)}, {}), Contains("already in use"));
    CHECK(bind_problem({there}, {endpoint}) == "");
    CHECK(bind_problem({there}, {base::Endpoint(*base::parse_address("0.0.0.0"), endpoint.port)}) == "");
    CHECK(bind_problem({at("0.0.0.0", endpoint.port, endpoint.port)}, {endpoint}) == "");
    // Another port or IP version of its own does not help.
    CHECK(bind_problem({there}, {base::Endpoint(endpoint.address(), 1)}) != "");
    CHECK(bind_problem({there}, {base::Endpoint(*base::parse_address("::"), endpoint.port)}) != "");
    CHECK(bind_problem({at("127.0.0.1", 0, 0)}, {}) == "");
}

TEST_CASE("a restart finds addresses that the machine lacks") {
    CHECK_THAT(bind_problem({at("127.0.0.1", 0, 0), at("192.0.2.99", 5300, 5301)}, {}),
               Contains("192.0.2.99:5300: Cannot assign requested address"));
}
