#include <catch2/catch.hpp>

#include "libudpserver/ipc/dispatcher.hpp"
#include "tests/unit/libudpserver/ipc/message_fixture.hpp"

using namespace ipc;

TEST_CASE("messages keep their fields") {
    Encoder a, b, c, d, e, f;
    auto ready = received(Ready{5, 6}, a);
    const auto got_ready = read<Ready>(ready);
    REQUIRE(got_ready);
    CHECK(got_ready->adopted == 5);
    CHECK(got_ready->aborted == 6);

    auto ping = received(Ping{0xffffffff}, b);
    CHECK(read<Ping>(ping)->sequence == 0xffffffff);
    auto pong = received(Pong{9}, c);
    CHECK(read<Pong>(pong)->sequence == 9);
    auto stop = received(Stop{}, d);
    CHECK(read<Stop>(stop));

    auto request = received(PoolRequest{300, 2, 128}, e);
    const auto got_request = read<PoolRequest>(request);
    REQUIRE(got_request);
    CHECK(got_request->group == 300);
    CHECK(got_request->worker == 2);
    CHECK(got_request->count == 128);

    auto sockets = received(PoolSockets{300, 2, 70000, 3, 0}, f);
    add_descriptors(sockets, 3);
    const auto got_sockets = read<PoolSockets>(sockets);
    REQUIRE(got_sockets);
    CHECK(got_sockets->group == 300);
    CHECK(got_sockets->worker == 2);
    CHECK(got_sockets->first_index == 70000);
    CHECK(got_sockets->count == 3);
    CHECK(got_sockets->error == 0);
}

TEST_CASE("messages that are too short, too long or of another type are refused") {
    check_sizes(Ready{1, 2});
    check_sizes(Ping{3});
    check_sizes(Pong{4});
    check_sizes(Stop{});
    check_sizes(PoolRequest{5, 6, 7});
    check_sizes(PoolSockets{8, 9, 10, 0, EMFILE});
}

TEST_CASE("pool sockets must come with as many descriptors as they say") {
    for (int descriptors = 0; descriptors < 4; ++descriptors) {
        Encoder out;
        auto message = received(PoolSockets{1, 0, 0, 2, 0}, out);
        add_descriptors(message, descriptors);
        CHECK(read<PoolSockets>(message).has_value() == (descriptors == 2));
    }
}

TEST_CASE("pool sockets say no more than a packet can carry") {
    Encoder out;
    auto message = received(PoolSockets{1, 0, 0, max_descriptors + 1, 0}, out);
    add_descriptors(message, max_descriptors + 1);
    CHECK_FALSE(read<PoolSockets>(message));
}

TEST_CASE("pool sockets whose descriptors were lost become an answer without any") {
    Encoder out;
    auto message = received(PoolSockets{1, 0, 64, 2, 0}, out);
    message.descriptors_lost = true;
    const auto value = read<PoolSockets>(message);
    REQUIRE(value);
    CHECK(value->count == 0);
    CHECK(value->error == EMFILE);
    CHECK(value->first_index == 64);
}

TEST_CASE("a new link keeps its peer, and its descriptor comes with it") {
    for (Party peer : {Party::reg, Party::acr, Party::apr}) {
        Encoder out;
        auto message = received(PeerLink{peer}, out);
        add_descriptors(message, 1);
        const auto link = read<PeerLink>(message);
        REQUIRE(link);
        CHECK(link->peer == peer);
        CHECK_FALSE(link->lost);
    }
}

TEST_CASE("a new link that is cut or too long is refused") {
    for (int length : {0, 2, 3}) {
        Encoder out;
        for (int i = 0; i < length; ++i)
            out.u8(static_cast<std::uint8_t>(Party::acr));
        Message message;
        message.type = MessageType::peer_link;
        message.body = Decoder(out.data());
        add_descriptors(message, 1);
        CHECK_FALSE(read<PeerLink>(message));
    }
}

TEST_CASE("a new link must come with one descriptor") {
    for (int descriptors = 0; descriptors < 4; ++descriptors) {
        Encoder out;
        auto message = received(PeerLink{Party::acr}, out);
        add_descriptors(message, descriptors);
        CHECK(read<PeerLink>(message).has_value() == (descriptors == 1));
    }
}

TEST_CASE("a new link whose descriptor was lost says so, and has none") {
    Encoder a, b;
    auto message = received(PeerLink{Party::apr}, a);
    message.descriptors_lost = true;
    const auto link = read<PeerLink>(message);
    REQUIRE(link);
    CHECK(link->lost);
    CHECK(link->peer == Party::apr);

    auto odd = received(PeerLink{Party::apr}, b);
    odd.descriptors_lost = true;
    add_descriptors(odd, 1);
    CHECK_FALSE(read<PeerLink>(odd));
}

TEST_CASE("a new link to the parent, or to no party, is refused") {
    for (unsigned peer = 0; peer <= 0xff; ++peer) {
        Encoder out;
        out.u8(static_cast<std::uint8_t>(peer));
        Message message;
        message.type = MessageType::peer_link;
        message.body = Decoder(out.data());
        add_descriptors(message, 1);
        CHECK(read<PeerLink>(message).has_value() == (peer >= 1 && peer < party_count));
    }
}

TEST_CASE("a dispatcher calls the handler of the type and tells when there is none") {
    Dispatcher<int> dispatcher;
    int called_with = 0;
    dispatcher.on(MessageType::ping, [&](int context, Message&) { called_with = context; });
    Message message;
    message.type = MessageType::ping;
    CHECK(dispatcher.dispatch(5, message));
    CHECK(called_with == 5);
    message.type = MessageType::pong;
    CHECK_FALSE(dispatcher.dispatch(6, message));
    CHECK(called_with == 5);
    CHECK(dispatcher.has_handler(MessageType::ping));
    CHECK_FALSE(dispatcher.has_handler(MessageType::pool_sockets));
}
