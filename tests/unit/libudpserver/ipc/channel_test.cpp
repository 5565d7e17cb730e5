#include <fcntl.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "libudpserver/ipc/channel.hpp"
#include "libudpserver/ipc/messages.hpp"
#include "tests/unit/libudpserver/ipc/link_fixture.hpp"

using namespace ipc;

namespace {

/// A channel of the parent, and REG's end either as a channel or as a bare socket.
struct Link {
    boost::asio::io_context io;
    base::UniqueFd bare;
    std::unique_ptr<Channel> parent, reg;
    std::string closed;  ///< why the parent's end was closed
    unsigned times_closed = 0;
    std::vector<std::uint32_t> ids;  ///< of the messages that the parent's end got

    explicit Link(bool with_reg = false) {
        auto [a, b] = link_pair();
        parent = std::make_unique<Channel>(io, std::move(a), Party::parent, Party::reg);
        parent->on_closed([this](const std::string& reason) {
            closed = reason;
            ++times_closed;
        });
        parent->on_message([this](Message& message) { ids.push_back(message.id); });
        if (with_reg)
            reg = std::make_unique<Channel>(io, std::move(b), Party::reg, Party::parent);
        else
            bare = std::move(b);
    }

    void send_bare(std::uint16_t type, std::uint16_t zero, std::uint32_t id, std::span<const int> fds = {}) {
        Encoder out;
        encode(out, Header{type, zero, id});
        out.u32(0).u32(0);
        REQUIRE(send_packet(bare.get(), out.data(), fds) == 0);
    }
    void send_bare(MessageType type, std::uint32_t id, std::span<const int> fds = {}) {
        send_bare(static_cast<std::uint16_t>(type), 0, id, fds);
    }
    void check_refused() {
        run_until(io, [this] { return times_closed == 1; });
        CHECK_FALSE(parent->open());
        CHECK(ids.empty());
        std::array<std::byte, 16> buffer;
        CHECK(receive_packet(bare.get(), buffer).size == 0);
        io.restart();
        io.poll();
        CHECK(times_closed == 1);
    }
};

// Sends pings until the kernel takes no more. Returns how many it took.
unsigned fill(Channel& channel) {
    unsigned sent = 0;
    while (channel.send(Ping{sent}) == SendResult::sent)
        ++sent;
    return sent;
}

}  // namespace

TEST_CASE("messages arrive in order with their ids and fields") {
    Link link(true);
    std::vector<std::uint32_t> sequences;
    link.reg->on_message([&](Message& message) {
        CHECK(message.id == 100 + sequences.size());
        sequences.push_back(read<Ping>(message)->sequence);
    });
    for (std::uint32_t i = 0; i < 100; ++i)
        CHECK(link.parent->send(Ping{i}, 100 + i) == SendResult::sent);
    CHECK(sequences.empty());
    run_until(link.io, [&] { return sequences.size() == 100; });
    for (std::uint32_t i = 0; i < 100; ++i)
        CHECK(sequences[i] == i);
}

TEST_CASE("descriptors travel with the message that may carry them") {
    Link link(true);
    const int before = open_descriptors();
    base::UniqueFd got;
    bool arrived = false;
    link.reg->on_message([&](Message& message) {
        const auto sockets = read<PoolSockets>(message);
        REQUIRE(sockets);
        CHECK(sockets->count == 2);
        got = std::move(message.descriptors[1]);  // the other one is closed after the callback
        arrived = true;
    });
    const int fds[] = {STDIN_FILENO, STDOUT_FILENO};
    CHECK(link.parent->send(PoolSockets{1, 0, 0, 2, 0}, 0, fds) == SendResult::sent);
    run_until(link.io, [&] { return arrived; });
    CHECK((::fcntl(got.get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(open_descriptors() == before + 1);
}

TEST_CASE("our own mistakes are refused and not sent") {
    Link link;
    const int fd = STDIN_FILENO;
    const std::vector<int> many(max_descriptors + 1, STDIN_FILENO);
    Encoder too_long;
    too_long.string(std::string(max_packet, 'x'));
    CHECK(link.parent->send(Ready{}) == SendResult::refused);
    CHECK(link.parent->send(PoolRequest{}) == SendResult::refused);
    CHECK(link.parent->send(Ping{}, 0, std::span(&fd, 1)) == SendResult::refused);
    CHECK(link.parent->send(PoolSockets{}, 0, many) == SendResult::refused);
    CHECK(link.parent->send(MessageType::ping, 0, too_long) == SendResult::refused);
    std::array<std::byte, 16> buffer;
    CHECK(receive_packet(link.bare.get(), buffer).error == EAGAIN);
    CHECK(link.parent->open());
}

TEST_CASE("the longest packet passes") {
    Link link(true);
    Encoder body;
    body.string(std::string(max_packet - header_size - 2, 'x'));
    REQUIRE(body.ok());
    std::size_t length = 0;
    link.reg->on_message([&](Message& message) { length = message.body.string().size(); });
    CHECK(link.parent->send(MessageType::ping, 0, body) == SendResult::sent);
    run_until(link.io, [&] { return length != 0; });
    CHECK(length == max_packet - header_size - 2);
}

TEST_CASE("a type that the peer may not send closes the link") {
    Link link;
    link.send_bare(MessageType::ping, 1);
    link.check_refused();
    CHECK(link.closed == "REG is not allowed to send ping");
}

TEST_CASE("an unknown type closes the link") {
    Link link;
    link.send_bare(std::uint16_t{999}, 0, 1);
    link.check_refused();
    CHECK(link.closed == "unknown message type 999");
}

TEST_CASE("a header whose zero is not zero closes the link") {
    Link link;
    link.send_bare(static_cast<std::uint16_t>(MessageType::pong), 1, 1);
    link.check_refused();
    CHECK(link.closed == "malformed header");
}

TEST_CASE("a packet shorter than a header closes the link") {
    Link link;
    const std::byte bytes[header_size - 1]{};
    REQUIRE(send_packet(link.bare.get(), bytes, {}) == 0);
    link.check_refused();
}

TEST_CASE("a packet that is too long closes the link") {
    Link link;
    Encoder header;
    encode(header, Header{static_cast<std::uint16_t>(MessageType::pong), 0, 0});
    std::vector<std::byte> packet(max_packet + 1);
    std::ranges::copy(header.data(), packet.begin());
    REQUIRE(send_packet(link.bare.get(), packet, {}) == 0);
    link.check_refused();
    CHECK(link.closed == "packet too long");
}

TEST_CASE("descriptors with a message that may not carry them close the link and are closed") {
    Link link;
    const int before = open_descriptors();
    const int fd = STDIN_FILENO;
    link.send_bare(MessageType::pong, 1, std::span(&fd, 1));
    link.check_refused();
    CHECK(link.closed == "pong with descriptors");
    CHECK(open_descriptors() == before - 1);  // the parent's end of the link
}

TEST_CASE("what came before the bad message is delivered, what came after it is not") {
    Link link;
    link.send_bare(MessageType::pong, 1);
    link.send_bare(MessageType::stop, 2);
    link.send_bare(MessageType::pong, 3);
    run_until(link.io, [&] { return link.times_closed == 1; });
    CHECK(link.ids == std::vector<std::uint32_t>{1});
}

TEST_CASE("a link dies with its peer, after the last message was delivered") {
    Link link;
    link.send_bare(MessageType::pong, 5);
    link.bare.reset();
    run_until(link.io, [&] { return link.times_closed == 1; });
    CHECK(link.closed == "end of file");
    CHECK(link.ids == std::vector<std::uint32_t>{5});
    CHECK(link.parent->send(Ping{}) == SendResult::closed);
}

TEST_CASE("a send to a dead peer says closed and calls back from the loop only") {
    Link link;
    link.bare.reset();
    CHECK(link.parent->send(Ping{}) == SendResult::closed);
    CHECK(link.times_closed == 0);
    run_until(link.io, [&] { return link.times_closed == 1; });
}

TEST_CASE("refuse() calls back from the loop only, and once") {
    Link link;
    link.parent->refuse("malformed pong");
    link.parent->refuse("again");
    CHECK(link.times_closed == 0);
    CHECK_FALSE(link.parent->open());
    run_until(link.io, [&] { return link.times_closed == 1; });
    CHECK(link.closed == "malformed pong");
}

TEST_CASE("close() is quiet") {
    Link link;
    link.parent->close();
    link.parent->close();
    link.io.poll();
    CHECK(link.times_closed == 0);
    CHECK(link.parent->send(Ping{}) == SendResult::closed);
}

TEST_CASE("a peer that does not read fills the queue, then busy; everything queued arrives in order") {
    Link link(true);
    const unsigned sent = fill(*link.parent);  // the last one was queued
    REQUIRE(sent > 0);
    REQUIRE(link.parent->queued() == 1);
    for (std::size_t i = 1; i < Channel::max_queue; ++i)
        REQUIRE(link.parent->send(Ping{sent + static_cast<std::uint32_t>(i)}) == SendResult::queued);
    CHECK(link.parent->send(Ping{0}) == SendResult::busy);
    CHECK(link.parent->queued() == Channel::max_queue);

    std::vector<std::uint32_t> sequences;
    link.reg->on_message([&](Message& message) { sequences.push_back(read<Ping>(message)->sequence); });
    run_until(link.io, [&] { return sequences.size() == sent + Channel::max_queue; });
    for (std::uint32_t i = 0; i < sequences.size(); ++i)
        REQUIRE(sequences[i] == i);
    CHECK(link.parent->queued() == 0);
    CHECK(link.parent->send(Ping{}) == SendResult::sent);
}

TEST_CASE("a queued packet keeps its descriptors although the sender closes his") {
    Link link(true);
    fill(*link.parent);
    const int before = open_descriptors();
    {
        auto [c, d] = link_pair();
        const int fd = c.get();
        CHECK(link.parent->send(PoolSockets{1, 0, 0, 1, 0}, 0, std::span(&fd, 1)) == SendResult::queued);
    }
    bool arrived = false;
    link.reg->on_message([&](Message& message) {
        if (message.type == MessageType::pool_sockets) arrived = message.descriptors.size() == 1;
    });
    run_until(link.io, [&] { return arrived; });
    CHECK(open_descriptors() == before);
}

TEST_CASE("a queue whose peer dies is dropped and the descriptors in it are closed") {
    Link link;
    fill(*link.parent);
    const int before = open_descriptors();
    const int fd = STDIN_FILENO;
    CHECK(link.parent->send(PoolSockets{1, 0, 0, 1, 0}, 0, std::span(&fd, 1)) == SendResult::queued);
    link.bare.reset();
    run_until(link.io, [&] { return link.times_closed == 1; });
    CHECK(link.parent->queued() == 0);
    CHECK(open_descriptors() == before - 2);  // both ends
}

TEST_CASE("a callback may destroy its channel") {
    Link link;
    link.parent->on_message([&](Message&) { link.parent.reset(); });
    link.send_bare(MessageType::pong, 1);
    link.send_bare(MessageType::pong, 2);
    run_until(link.io, [&] { return !link.parent; });
    link.io.restart();
    link.io.poll();

    Link other;
    other.parent->on_closed([&](const std::string&) { other.parent.reset(); });
    other.bare.reset();
    run_until(other.io, [&] { return !other.parent; });
}

TEST_CASE("a channel that is destroyed with handlers on their way hears nothing more") {
    Link link;
    link.parent->refuse("test");
    link.parent.reset();
    link.io.poll();
    CHECK(link.times_closed == 0);
}

TEST_CASE("a message without a handler is dropped") {
    Link link;
    link.parent->on_message(nullptr);
    link.send_bare(MessageType::pong, 1);
    link.io.poll();
    CHECK(link.parent->open());
}

TEST_CASE("a flood of one peer leaves the loop its turns") {
    Link link;
    for (std::uint32_t i = 0; i < 100; ++i)
        link.send_bare(MessageType::pong, i);
    run_until(link.io, [&] { return !link.ids.empty(); });
    CHECK(link.ids.size() < 100);
    run_until(link.io, [&] { return link.ids.size() == 100; });
}

TEST_CASE("a peer that sends more than its limit is read later, and nothing is lost [Z-14]") {
    Link link;
    link.parent->limit({1000, 10});
    for (std::uint32_t id = 0; id < 40; ++id)
        link.send_bare(MessageType::ready, id);
    link.io.poll();
    CHECK(link.ids.size() <= 11);
    run_until(link.io, [&] { return link.ids.size() == 40; });
    CHECK(link.ids.back() == 39);
}
