#include "libudpserver/net/udp_socket.hpp"

#include <fcntl.h>
#include <catch2/catch.hpp>
#include <cerrno>

#include "libudpserver/net/mute_filter.hpp"
#include "tests/unit/libudpserver/net/loopback.hpp"

TEST_CASE("a UDP socket is non-blocking and close-on-exec [L-4][L-6]") {
    const base::UniqueFd fd = net::make_udp_socket(base::Family::v4, "test");
    CHECK((::fcntl(fd.get(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("a step that fails is named with its errno [L-3]") {
    const LoopbackSocket taken;
    const base::UniqueFd fd = net::make_udp_socket(base::Family::v4, "x");
    try {
        net::bind_socket(fd.get(), taken.endpoint(), "x");
        FAIL("bound a taken port");
    } catch (const net::SocketError& error) {
        CHECK(error.step == "bind");
        CHECK(error.error == EADDRINUSE);
        CHECK(std::string(error.what()) ==
              "x: bind: Address already in use; `ss -lunp` shows which program has it");
    }
}

TEST_CASE("an explicitly bound socket keeps its port while it is connected and disconnected") {
    const LoopbackSocket socket("127.0.0.77", 23711), server;
    const base::Endpoint before = socket.endpoint();
    REQUIRE(net::connect_socket(socket.fd(), server.endpoint()) == 0);
    CHECK(net::peer_endpoint(socket.fd()) == server.endpoint());
    REQUIRE(net::disconnect_socket(socket.fd()) == 0);
    CHECK(!net::peer_endpoint(socket.fd()));
    CHECK(net::local_endpoint(socket.fd()) == before);
}

TEST_CASE("a socket with closed ears hears nothing, and counts what it did not hear") {
    const LoopbackSocket socket, sender;
    const net::MuteFilter filter;
    REQUIRE(filter.mute(socket.fd()) == 0);
    const std::uint32_t before = net::dropped(socket.fd());
    REQUIRE(sender.send_to(socket.endpoint(), "lost"));
    CHECK(!socket.receive());
    CHECK(net::dropped(socket.fd()) == before + 1);
    REQUIRE(net::unmute(socket.fd()) == 0);
    CHECK(!socket.receive());
    REQUIRE(sender.send_to(socket.endpoint(), "heard"));
    CHECK(socket.receive()->payload == "heard");
}

TEST_CASE("open ears may be opened again") {
    const LoopbackSocket socket;
    CHECK(net::unmute(socket.fd()) == 0);
}

TEST_CASE("drain takes queued datagrams and pending errors") {
    const LoopbackSocket socket, sender;
    REQUIRE(sender.send_to(socket.endpoint(), ""));
    REQUIRE(sender.send_to(socket.endpoint(), std::string(60000, 'x')));
    CHECK(net::drain(socket.fd()) == 2);
    CHECK(net::drain(socket.fd()) == 0);

    std::optional<LoopbackSocket> gone(std::in_place);
    REQUIRE(net::connect_socket(socket.fd(), gone->endpoint()) == 0);
    gone.reset();
    REQUIRE(::send(socket.fd(), "x", 1, 0) == 1);  // brings an ICMP error back
    CHECK(net::drain(socket.fd()) == 0);
    CHECK(::send(socket.fd(), "x", 1, 0) == 1);  // no error is left
}

TEST_CASE("only a filter makes a socket muted, no other failure to read it") {
    const LoopbackSocket socket;
    CHECK_FALSE(net::is_muted(socket.fd()));
    CHECK_FALSE(net::is_muted(-1));
    REQUIRE(net::MuteFilter().mute(socket.fd()) == 0);
    CHECK(net::is_muted(socket.fd()));
    REQUIRE(net::unmute(socket.fd()) == 0);
    CHECK_FALSE(net::is_muted(socket.fd()));
}
