#include "libudpserver/net/socket_pool.hpp"

#include <catch2/catch.hpp>
#include <cerrno>
#include <set>

#include "conf/system_ports.hpp"
#include "tests/unit/libudpserver/net/loopback.hpp"

namespace {

net::PoolGroup group(std::optional<conf::PortRange> ports = std::nullopt, const char* source = "0.0.0.0") {
    const base::Address address = *base::parse_address(source);
    return {address.family, address, ports};
}

conf::Rule accepting(std::vector<std::string> servers) {
    conf::Rule rule;
    rule.action = conf::Action::accept;
    for (const std::string& server : servers)
        rule.plug_to.push_back({*base::parse_endpoint(server), 1});
    return rule;
}

}  // namespace

TEST_CASE("pool sockets are bound to different random ports of their range") {
    net::SocketPool pool({group(conf::PortRange{21000, 21999})}, 64);
    const auto chunk = pool.grow(0, 0, 20);
    REQUIRE(chunk.count == 20);
    CHECK(chunk.error == 0);
    std::set<std::uint16_t> ports;
    bool in_order = true;
    for (const auto& socket : pool.sockets()) {
        const std::uint16_t port = net::local_endpoint(socket.fd.get()).port;
        in_order = in_order && (ports.empty() || port > *ports.rbegin());
        ports.insert(port);
        CHECK((port >= 21000 && port <= 21999));
    }
    CHECK(ports.size() == 20);
    CHECK(!in_order);
}

TEST_CASE("the system's range is the default") {
    net::SocketPool pool({group()}, 1);
    REQUIRE(pool.grow(0, 0, 1).count == 1);
    CHECK(conf::ephemeral_ports().contains(net::local_endpoint(pool.sockets()[0].fd.get()).port));
}

TEST_CASE("a pool socket is muted until a session uses it") {
    net::SocketPool pool({group(std::nullopt, "127.0.0.1")}, 1);
    pool.grow(0, 0, 1);
    const int fd = pool.sockets()[0].fd.get();
    const LoopbackSocket stranger;
    REQUIRE(stranger.send_to(net::local_endpoint(fd), "x"));
    CHECK(net::drain(fd) == 0);
}

TEST_CASE("a range that is used up gives what it has, and says why there is no more [L-27]") {
    net::SocketPool pool({group(conf::PortRange{22500, 22503}, "127.0.0.9")}, 64);
    const auto chunk = pool.grow(0, 0, 10);
    CHECK(chunk.count == 4);
    CHECK(chunk.error == EADDRINUSE);
    CHECK_THAT(chunk.problem, Catch::Contains("no free source port"));
    CHECK(pool.grow(0, 0, 1).count == 0);
}

TEST_CASE("what is asked for is bounded: chunk, capacity, group") {
    net::SocketPool pool({group()}, 150);
    CHECK(pool.grow(0, 0, 100000).count == net::SocketPool::chunk_size);
    const auto rest = pool.grow(0, 0, 100);
    CHECK(rest.count == 150 - net::SocketPool::chunk_size);
    CHECK(rest.error == ENOSPC);
    CHECK(pool.grow(1, 0, 1).error == EINVAL);
    CHECK(pool.grow(0, 1000, 1).error == EINVAL);
    CHECK(pool.grow(0, 1, 1).error == EINVAL);  // there is one worker
}

TEST_CASE("a source address that is not here is an error with its name [K-45]") {
    net::SocketPool pool({group(std::nullopt, "192.0.2.1")}, 4);
    const auto chunk = pool.grow(0, 0, 1);
    CHECK(chunk.error == EADDRNOTAVAIL);
    CHECK_THAT(chunk.problem, Catch::Contains("192.0.2.1"));
}

TEST_CASE("rules share a group when their sockets are interchangeable") {
    conf::Config config;
    config.session_acl = {accepting({"192.0.2.1:53", "[2001:db8::1]:53"}), accepting({"192.0.2.9:53"}),
                          conf::Rule{}};
    config.session_acl.push_back(accepting({"192.0.2.1:53"}));
    config.session_acl.back().source_port = conf::PortRange{20000, 20999};
    const auto groups = net::pool_groups(config);
    REQUIRE(groups.size() == 3);
    CHECK(groups[0] == net::group_for(config.session_acl[1], base::Family::v4));
    CHECK(net::to_string(groups[2]) == "IPv4 ports 20000-20999");
}

TEST_CASE("the pool leaves descriptors for everything else [L-28]") {
    CHECK(net::pool_capacity(100, 64, 20000) == 1224);
    CHECK(net::pool_capacity(100000, 64, 20000) == 19936);
    CHECK(net::pool_capacity(100, 64, 60) == 0);
}

TEST_CASE("with another number of workers the sockets are divided among them") {
    net::SocketPool pool({{base::Family::v4, base::Address::any(base::Family::v4), std::nullopt}}, 20, 1);
    pool.grow(0, 0, 9);
    CHECK(pool.grow(0, 2, 1).error == EINVAL);
    pool.set_workers(3);
    std::array<int, 3> counts{};
    for (const net::SocketPool::Socket& socket : pool.sockets())
        ++counts.at(socket.worker);
    CHECK(counts == std::array<int, 3>{3, 3, 3});
    CHECK(pool.grow(0, 2, 1).count == 1);
    pool.set_workers(1);
    CHECK(std::ranges::all_of(pool.sockets(), [](const auto& socket) { return socket.worker == 0; }));
}
