#include <catch2/catch.hpp>
#include <cerrno>
#include <cstring>

#include "libudpserver/net/listener.hpp"
#include "libudpserver/net/receive_batch.hpp"
#include "libudpserver/net/send_batch.hpp"
#include "libudpserver/net/udp_socket.hpp"
#include "tests/unit/libudpserver/net/loopback.hpp"

namespace {

std::string text(const net::Datagram& datagram) {
    return {reinterpret_cast<const char*>(datagram.payload.data()), datagram.payload.size()};
}

std::span<const std::byte> bytes(const std::string& payload) {
    return std::as_bytes(std::span(payload.data(), payload.size()));
}

struct Sent {
    std::uint64_t tag;
    std::size_t size;
    int error;
};

struct Sender {
    std::vector<Sent> sent;
    net::SendBatch batch;
    explicit Sender(std::size_t slots)
        : batch(slots, [this](std::uint64_t tag, std::span<const std::byte> payload, int error) {
              sent.push_back({tag, payload.size(), error});
          }) {}
};

}  // namespace

TEST_CASE("a batch is read in order and stays in place until it is cleared") {
    const LoopbackSocket socket, client;
    net::ReceiveBatch batch(4);
    for (const char* payload : {"one", "two", ""})
        REQUIRE(client.send_to(socket.endpoint(), payload));
    const auto first = batch.receive(socket.fd(), socket.endpoint(), 2);
    REQUIRE(first.datagrams.size() == 2);
    const auto second = batch.receive(socket.fd(), socket.endpoint(), 2);
    REQUIRE(second.datagrams.size() == 1);
    CHECK(text(first.datagrams[0]) == "one");
    CHECK(text(first.datagrams[1]) == "two");
    CHECK(second.datagrams[0].payload.empty());
    CHECK(first.datagrams[0].from == client.endpoint());
    CHECK(first.datagrams[0].local == socket.endpoint());
    CHECK(batch.room() == 1);
    batch.clear();
    CHECK(batch.room() == 4);
}

TEST_CASE("an empty queue is no error, a broken descriptor is [L-23]") {
    const LoopbackSocket socket;
    net::ReceiveBatch batch(4);
    CHECK(batch.receive(socket.fd(), {}, 4).error == 0);
    CHECK(batch.receive(-1, {}, 4).error == EBADF);
}

TEST_CASE("the largest datagram comes whole [K-47]") {
    const LoopbackSocket socket, client;
    net::ReceiveBatch batch(1);
    REQUIRE(client.send_to(socket.endpoint(), std::string(net::max_payload, 'x')));
    const auto result = batch.receive(socket.fd(), {}, 1);
    REQUIRE(result.datagrams.size() == 1);
    CHECK(result.datagrams[0].payload.size() == net::max_payload);
    CHECK(!result.datagrams[0].truncated);
}

TEST_CASE("wildcard listeners learn the address a client sent to, and replies leave from it [O-17]") {
    const bool v6 = GENERATE(false, true);
    const std::string any = v6 ? "::" : "0.0.0.0";
    const std::string here = v6 ? "::1" : "127.0.0.7";
    const net::Listener listener = net::Listener::bind({*base::parse_address(any), 0}, {});
    CHECK(listener.wildcard());
    const base::Endpoint target(*base::parse_address(here), listener.local().port);
    const LoopbackSocket client(v6 ? "::1" : "127.0.0.1");
    REQUIRE(client.send_to(target, "hello"));

    net::ReceiveBatch batch(1);
    const auto received = listener.read(batch, 1);
    REQUIRE(received.datagrams.size() == 1);
    const base::Endpoint local = received.datagrams[0].local;
    CHECK(local == target);

    Sender sender(4);
    const std::string back = "back";
    sender.batch.add({.fd = listener.descriptor(),
                      .family = local.family,
                      .payload = bytes(back),
                      .to = client.endpoint(),
                      .source = local});
    sender.batch.flush();
    CHECK(client.receive()->from == target);
}

TEST_CASE("DSCP and ECN are read and written [K-49]") {
    const bool v6 = GENERATE(false, true);
    const std::string loopback = v6 ? "::1" : "127.0.0.1";
    const net::Listener listener = net::Listener::bind({*base::parse_address(loopback), 0}, {});
    const LoopbackSocket client(loopback);
    Sender sender(1);
    const std::uint8_t tos = 46 << 2 | 1;
    const std::string payload = "x";
    sender.batch.add({.fd = client.fd(),
                      .family = listener.local().family,
                      .payload = bytes(payload),
                      .to = listener.local(),
                      .tos = tos});
    sender.batch.flush();
    net::ReceiveBatch batch(1);
    const auto received = listener.read(batch, 1);
    REQUIRE(received.datagrams.size() == 1);
    CHECK(received.datagrams[0].tos == tos);
}

TEST_CASE("each datagram is reported, a full batch sends by itself, order is kept") {
    const LoopbackSocket source, target;
    Sender sender(2);
    const std::string payloads[] = {"1", "22", "333"};
    for (std::uint64_t i = 0; i < 3; ++i) {
        sender.batch.add(
            {.fd = source.fd(), .payload = bytes(payloads[i]), .to = target.endpoint(), .tag = i});
    }
    CHECK(sender.sent.size() == 2);
    sender.batch.flush();
    REQUIRE(sender.sent.size() == 3);
    for (std::uint64_t i = 0; i < 3; ++i) {
        CHECK(sender.sent[i].tag == i);
        CHECK(sender.sent[i].size == i + 1);
        CHECK(sender.sent[i].error == 0);
        CHECK(target.receive()->payload == payloads[i]);
    }
}

TEST_CASE("a datagram that cannot be sent does not hold up its neighbours [O-40]") {
    const LoopbackSocket source, target;
    Sender sender(8);
    const std::string good = "good", oversized(70000, 'x');
    sender.batch.add({.fd = source.fd(), .payload = bytes(good), .to = target.endpoint(), .tag = 1});
    sender.batch.add({.fd = source.fd(), .payload = bytes(oversized), .to = target.endpoint(), .tag = 2});
    sender.batch.add({.fd = source.fd(), .payload = bytes(good), .to = target.endpoint(), .tag = 3});
    sender.batch.flush();
    REQUIRE(sender.sent.size() == 3);
    CHECK(sender.sent[0].error == 0);
    CHECK(sender.sent[1].error == EMSGSIZE);
    CHECK(sender.sent[2].error == 0);
    CHECK(target.receive());
    CHECK(target.receive());
}

TEST_CASE("an ICMP error left by an earlier datagram costs the next one nothing [K-48]") {
    const LoopbackSocket source;
    std::optional<LoopbackSocket> server(std::in_place);
    const base::Endpoint where = server->endpoint();
    REQUIRE(net::connect_socket(source.fd(), where) == 0);
    server.reset();
    Sender sender(4);
    const std::string payload = "x";
    sender.batch.add({.fd = source.fd(), .payload = bytes(payload), .tag = 1});
    sender.batch.flush();  // no socket listens: the error waits in the socket now
    server.emplace("127.0.0.1", where.port);
    sender.batch.add({.fd = source.fd(), .payload = bytes(payload), .tag = 2});
    sender.batch.flush();
    CHECK(sender.sent.at(1).error == 0);
    CHECK(server->receive());
}

TEST_CASE("what a listener on a broadcast address receives was sent to that address [G-3]") {
    const net::Listener listener =
        net::Listener::bind(base::Endpoint(*base::parse_address("127.255.255.255"), 0), {});
    const LoopbackSocket client;
    net::set_option(client.fd(), SOL_SOCKET, SO_BROADCAST, 1, "test", "SO_BROADCAST");
    REQUIRE(client.send_to(listener.local(), "wake up"));
    net::ReceiveBatch batch(1);
    const auto result = listener.read(batch, 1);
    REQUIRE(result.datagrams.size() == 1);
    CHECK(result.datagrams[0].local == listener.local());
}

TEST_CASE("what a wildcard listener receives was sent to the address of the packet [G-3]") {
    const net::Listener listener =
        net::Listener::bind(base::Endpoint(*base::parse_address("0.0.0.0"), 0), {});
    const LoopbackSocket client;
    net::set_option(client.fd(), SOL_SOCKET, SO_BROADCAST, 1, "test", "SO_BROADCAST");
    net::ReceiveBatch batch(1);
    for (const bool is_broadcast : {true, false, true}) {
        const char* const to = is_broadcast ? "127.255.255.255" : "127.0.0.5";
        const base::Endpoint there(*base::parse_address(to), listener.local().port);
        REQUIRE(client.send_to(there, "x"));
        batch.clear();
        const auto result = listener.read(batch, 1);
        REQUIRE(result.datagrams.size() == 1);
        CHECK(result.datagrams[0].local == there);
        CHECK(result.datagrams[0].is_broadcast == is_broadcast);
    }
}
