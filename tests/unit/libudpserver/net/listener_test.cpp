#include "libudpserver/net/listener.hpp"

#include <fcntl.h>
#include <catch2/catch.hpp>
#include <cerrno>

#include "libudpserver/net/listener_set.hpp"
#include "tests/unit/libudpserver/net/loopback.hpp"

namespace {

const base::Address localhost = *base::parse_address("127.0.0.1");

int option(int fd, int level, int name) {
    int value = -1;
    socklen_t length = sizeof value;
    ::getsockopt(fd, level, name, &value, &length);
    return value;
}

}  // namespace

TEST_CASE("port 0 takes a free port that can be read back, like everything else of a listener [L-29][L-32]") {
    const net::Listener listener = net::Listener::bind({localhost, 0}, {});
    CHECK(listener.local().port != 0);
    CHECK(listener.local().address() == localhost);
    CHECK(!listener.wildcard());
    CHECK(listener.descriptor() >= 0);
}

TEST_CASE("a descriptor gives the same listener as an address [L-1], non-blocking [L-2]") {
    const LoopbackSocket socket;
    REQUIRE(::fcntl(socket.fd(), F_SETFL, 0) == 0);
    const net::Listener listener = net::Listener::from_descriptor(socket.fd(), false);
    CHECK(listener.local() == socket.endpoint());
    CHECK((::fcntl(socket.fd(), F_GETFL) & O_NONBLOCK) != 0);
}

TEST_CASE("a wrong kind of descriptor is an error [L-2]") {
    const base::UniqueFd tcp(::socket(AF_INET, SOCK_STREAM, 0)), unbound(::socket(AF_INET, SOCK_DGRAM, 0));
    const base::UniqueFd file(::open("/dev/null", O_RDONLY)), local(::socket(AF_UNIX, SOCK_DGRAM, 0));
    for (const int fd : {tcp.get(), unbound.get(), file.get(), local.get(), -1}) {
        CHECK_THROWS_AS(net::Listener::from_descriptor(fd, false), net::SocketError);
    }
    CHECK(::fcntl(tcp.get(), F_GETFD) >= 0);
}

TEST_CASE("close-on-free decides about the descriptor [L-5]") {
    int kept, closed;
    {
        const LoopbackSocket socket;
        kept = ::dup(socket.fd());
        closed = ::dup(socket.fd());
    }
    { const net::Listener listener = net::Listener::from_descriptor(kept, false); }
    { const net::Listener listener = net::Listener::from_descriptor(closed, true); }
    CHECK(::fcntl(kept, F_GETFD) >= 0);
    CHECK(::fcntl(closed, F_GETFD) < 0);
    ::close(kept);
}

TEST_CASE("a taken port is refused with step and errno, and nothing stays open [L-3]") {
    const net::Listener first = net::Listener::bind({localhost, 0}, {});
    const int next = ::dup(0);
    ::close(next);
    try {
        static_cast<void>(net::Listener::bind(first.local(), {}));
        FAIL("bound twice");
    } catch (const net::SocketError& error) {
        CHECK(error.error == EADDRINUSE);
        CHECK(error.step == "bind");
    }
    const int after = ::dup(0);
    ::close(after);
    CHECK(next == after);
}

TEST_CASE("reuse-port and reuse-address are off unless asked for, and independent [L-7][L-10]") {
    const net::Listener plain = net::Listener::bind({localhost, 0}, {});
    CHECK(option(plain.descriptor(), SOL_SOCKET, SO_REUSEPORT) == 0);
    CHECK(option(plain.descriptor(), SOL_SOCKET, SO_REUSEADDR) == 0);
    const net::Listener shared = net::Listener::bind({localhost, 0}, {.reuse_port = true});
    CHECK(option(shared.descriptor(), SOL_SOCKET, SO_REUSEPORT) == 1);
    CHECK(option(shared.descriptor(), SOL_SOCKET, SO_REUSEADDR) == 0);
    const net::Listener second = net::Listener::bind(shared.local(), {.reuse_port = true});
    CHECK(second.local() == shared.local());
}

TEST_CASE("v4 and v6 wildcards live on one port, for v6 is v6 only [L-13]") {
    const net::Listener v6 = net::Listener::bind({*base::parse_address("::"), 0}, {});
    const net::Listener v4 = net::Listener::bind({*base::parse_address("0.0.0.0"), v6.local().port}, {});
    CHECK(option(v6.descriptor(), IPPROTO_IPV6, IPV6_V6ONLY) == 1);
}

TEST_CASE("a read returns at most the budget, with the source and the address it was sent to [L-20][L-22]") {
    const net::Listener listener = net::Listener::bind({localhost, 0}, {});
    const LoopbackSocket client;
    net::ReceiveBatch batch(8);
    for (int i = 0; i < 5; ++i)
        REQUIRE(client.send_to(listener.local(), "x"));
    const auto first = listener.read(batch, 3);
    REQUIRE(first.datagrams.size() == 3);
    for (const net::Datagram& datagram : first.datagrams) {
        CHECK(datagram.from == client.endpoint());
        CHECK(datagram.local == listener.local());
    }
    CHECK(listener.read(batch, 3).datagrams.size() == 2);
}

TEST_CASE("a read that fails returns the code [L-24]") {
    const LoopbackSocket socket;
    const int fd = ::dup(socket.fd());
    const net::Listener listener = net::Listener::from_descriptor(fd, false);
    ::close(fd);
    net::ReceiveBatch batch(1);
    const auto result = listener.read(batch, 1);
    CHECK(result.datagrams.empty());
    CHECK(result.error == EBADF);
}

TEST_CASE("the kernel counts what it dropped at a full buffer") {
    const net::Listener listener = net::Listener::bind({localhost, 0}, {.receive_buffer = 4096});
    const LoopbackSocket client;
    for (int i = 0; i < 100; ++i)
        static_cast<void>(client.send_to(listener.local(), std::string(1000, 'x')));
    net::ReceiveBatch batch(64);
    const std::size_t queued = listener.read(batch, 64).datagrams.size();
    REQUIRE(queued < 100);
    CHECK(net::dropped(listener.descriptor()) == 100 - queued);
}

TEST_CASE("a listener set has a socket for each port and worker") {
    conf::Config config;
    config.udpserver.workers = 2;
    config.listen_on = {{localhost, {0, 0}}, {*base::parse_address("::1"), {0, 0}}};
    net::ListenerSet set(config);
    REQUIRE(set.size() == 2);
    CHECK(set.descriptors().size() == 4);
    CHECK(set.at(0, 0).local() == set.at(0, 1).local());
    CHECK(set.local(1).family == base::Family::v6);
}

TEST_CASE("a second set does not share the ports of the first, though the workers of one set do [K-26]") {
    conf::Config config;
    config.udpserver.workers = 2;
    config.listen_on = {{localhost, {0, 0}}};
    const net::ListenerSet first(config);
    config.listen_on[0].port = {first.local(0).port, first.local(0).port};
    CHECK_THROWS_AS(net::ListenerSet(config), net::SocketError);
    config.udpserver.workers = 1;
    CHECK_THROWS_AS(net::ListenerSet(config), net::SocketError);
}

TEST_CASE("a set that cannot have all its sockets has none [K-26]") {
    const LoopbackSocket taken;
    conf::Config config;
    const std::uint16_t port = taken.endpoint().port;
    config.listen_on = {{localhost, {0, 0}}, {localhost, {port, port}}};
    CHECK_THROWS_AS(net::ListenerSet(config), net::SocketError);
    config.listen_on = {{*base::parse_address("192.0.2.1"), {5300, 5300}}};
    CHECK_THROWS_WITH(net::ListenerSet(config),
                      "192.0.2.1:5300: bind: Cannot assign requested address; this machine does not have the "
                      "address (yet)");
}
