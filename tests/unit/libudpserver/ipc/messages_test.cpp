#include <fcntl.h>

#include <catch2/catch.hpp>

#include "libudpserver/ipc/dispatcher.hpp"
#include "libudpserver/ipc/messages.hpp"

using namespace ipc;

namespace {

// The message as the receiver gets it. The bytes are the encoder's: it must live as long.
template <typename T>
Message received(const T& value, Encoder& out) {
    value.encode(out);
    REQUIRE(out.ok());
    Message message;
    message.type = T::type;
    message.body = Decoder(out.data());
    return message;
}

void add_descriptors(Message& message, int count) {
    for (int i = 0; i < count; ++i)
        message.descriptors.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

// Every length but the right one is refused, and so is another type.
template <typename T>
void check_sizes(const T& value) {
    Encoder out;
    value.encode(out);
    const std::size_t size = out.data().size();
    out.u8(0);
    for (std::size_t length = 0; length <= size + 1; ++length) {
        Message message;
        message.type = T::type;
        message.body = Decoder(out.data().first(length));
        CHECK(read<T>(message).has_value() == (length == size));
    }
    Message other;
    other.type = T::type == MessageType::stop ? MessageType::ready : MessageType::stop;
    other.body = Decoder(out.data().first(size));
    CHECK_FALSE(read<T>(other));
}

}  // namespace

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
    CHECK(dispatcher.handles(MessageType::ping));
    CHECK_FALSE(dispatcher.handles(MessageType::pool_sockets));
}
