#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "libudpserver/net/listener_set.hpp"
#include "libudpserver/net/mute_filter.hpp"
#include "libudpserver/net/socket_pool.hpp"
#include "libudpserver/net/udp_socket.hpp"
#include "tests/unit/libudpserver/net/loopback.hpp"

namespace {

conf::ListenOn at(std::uint16_t first, std::uint16_t last) {
    return {*base::parse_address("127.0.0.1"), {first, last}};
}

conf::Config listening(std::vector<conf::ListenOn> where, unsigned workers = 1) {
    conf::Config config;
    config.udpserver.workers = workers;
    config.listen_on = std::move(where);
    return config;
}

}  // namespace

TEST_CASE("a change keeps the sockets of endpoints that stay, with what waits in them") {
    const unsigned workers = GENERATE(1u, 2u);
    net::ListenerSet set(listening({at(23100, 23102)}, workers));
    const int kept = set.at(1, workers - 1).descriptor();
    const LoopbackSocket client;
    REQUIRE(client.send_to(*base::parse_endpoint("127.0.0.1:23101"), "waits"));
    net::ListenerSet::Change change = set.prepare(listening({at(23105, 23105), at(23101, 23101)}, workers));
    CHECK(set.size() == 3);
    set.apply(std::move(change));
    REQUIRE(set.size() == 2);
    CHECK(set.local(0).port == 23105);
    CHECK(set.local(1).port == 23101);
    CHECK(set.at(1, workers - 1).descriptor() == kept);
    CHECK(set.descriptors().size() == 2 * workers);
    CHECK(set.listens_at(*base::parse_endpoint("127.0.0.1:23105"), {}));
    CHECK_FALSE(set.listens_at(*base::parse_endpoint("127.0.0.1:23100"), {}));
    std::size_t waiting = 0;
    net::ReceiveBatch batch(8);
    for (unsigned worker = 0; worker < workers; ++worker)
        waiting += set.at(1, worker).read(batch, 4).datagrams.size();
    CHECK(waiting == 1);
    CHECK_NOTHROW(net::ListenerSet(listening({at(23100, 23100), at(23102, 23102)})));  // free again
}

TEST_CASE("a change that fails leaves everything as it was") {
    const LoopbackSocket taken;
    net::ListenerSet set(listening({at(23110, 23110)}));
    const std::vector<int> before = set.descriptors();
    const std::uint16_t port = taken.endpoint().port;
    CHECK_THROWS_AS(set.prepare(listening({at(23111, 23111), at(port, port)})), net::SocketError);
    CHECK(set.descriptors() == before);
    CHECK_NOTHROW(net::ListenerSet(listening({at(23111, 23111)})));
}

TEST_CASE("a check finds what prepare would, and changes nothing") {
    const LoopbackSocket taken;
    net::ListenerSet set(listening({at(23115, 23115)}));
    const std::vector<int> before = set.descriptors();
    CHECK_NOTHROW(set.check(listening({at(23115, 23116)})));
    const std::uint16_t port = taken.endpoint().port;
    CHECK_THROWS_AS(set.check(listening({at(23116, 23116), at(port, port)})), net::SocketError);
    CHECK(set.descriptors() == before);
    CHECK_NOTHROW(net::ListenerSet(listening({at(23116, 23116)})));  // closed again
}

TEST_CASE("a wildcard over an own listener is refused as such, not as a port of another program") {
    net::ListenerSet set(listening({at(23117, 23117)}));
    const conf::Config wide = listening({{*base::parse_address("0.0.0.0"), {23117, 23117}}});
    const auto is_named = Catch::Matchers::StartsWith("0.0.0.0:23117 overlaps 127.0.0.1:23117, ");
    CHECK_THROWS_WITH(set.check(wide), is_named);
    CHECK_THROWS_WITH(set.prepare(wide), is_named);
    // IPv6 has its own ports.
    CHECK_NOTHROW(set.check(listening({at(23117, 23117), {*base::parse_address("::1"), {23117, 23117}}})));
}

TEST_CASE("listeners that were connected or muted are restored [Z-14]") {
    const char* const address = GENERATE("127.0.0.1", "0.0.0.0", "::1", "::");
    const std::uint16_t port = GENERATE(std::uint16_t{9}, std::uint16_t{0});
    const unsigned workers = GENERATE(1u, 2u);
    INFO(address << " to port " << port << ", workers: " << workers);
    net::ListenerSet set(listening({{*base::parse_address(address), {23120, 23120}}}, workers));
    const base::Endpoint local = set.local(0);
    base::Endpoint away = local.family == base::Family::v6 ? *base::parse_endpoint("[::1]:9")
                                                           : *base::parse_endpoint("127.0.0.1:9");
    away.port = port;
    const net::MuteFilter filter;
    for (const int socket : set.descriptors()) {
        CHECK_FALSE(net::is_connected(socket));
        REQUIRE(net::connect_socket(socket, away) == 0);
        CHECK(net::is_connected(socket));
        REQUIRE(filter.mute(socket) == 0);
    }
    set.restore();
    set.restore();
    for (const int socket : set.descriptors()) {
        CHECK_FALSE(net::is_connected(socket));
        CHECK_FALSE(net::is_muted(socket));
        CHECK(net::local_endpoint(socket) == local);
    }
}

TEST_CASE("a port that the kernel chose stays over a change, each entry its own") {
    net::ListenerSet set(listening({at(0, 0), at(0, 0)}));
    const auto first = set.local(0), second = set.local(1);
    set.apply(set.prepare(listening({at(0, 0), at(0, 0), at(0, 0)})));
    REQUIRE(set.size() == 3);
    CHECK(set.local(0) == first);
    CHECK(set.local(1) == second);
    CHECK(set.local(2) != second);
}

TEST_CASE("groups of a pool are only ever added, and cut back before anybody has seen them") {
    const base::Address any = base::Address::any(base::Family::v4);
    const net::PoolGroup one{base::Family::v4, any, std::nullopt};
    const net::PoolGroup two{base::Family::v4, any, conf::PortRange{28000, 28100}};
    net::SocketPool pool({one}, 8);
    pool.grow(0, 0, 4);
    pool.add_groups({two});
    REQUIRE(pool.groups().size() == 2);
    CHECK(pool.groups()[0] == one);
    pool.add_groups({one, two});
    CHECK(pool.groups().size() == 2);
    CHECK(pool.grow(1, 0, 2).count == 2);
    pool.cut_back(1, 4);
    CHECK(pool.groups().size() == 1);
    CHECK(pool.sockets().size() == 4);
    CHECK(pool.grow(1, 0, 1).count == 0);
    pool.set_capacity(2);
    CHECK(pool.capacity() == 4);
    CHECK(pool.grow(0, 0, 1).error == ENOSPC);
    pool.set_capacity(6);
    CHECK(pool.grow(0, 0, 9).count == 2);
}

TEST_CASE("a group that only names may need is needed for certain when a rule says so") {
    net::PoolGroup group{base::Family::v6, base::Address::any(base::Family::v6), std::nullopt};
    group.optional = true;
    net::SocketPool pool({group}, 1);
    group.optional = false;
    pool.add_groups({group});
    CHECK_FALSE(pool.groups()[0].optional);
}
