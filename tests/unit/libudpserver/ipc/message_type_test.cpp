#include <array>
#include <catch2/catch.hpp>
#include <set>

#include "libudpserver/ipc/message_type.hpp"

using namespace ipc;

namespace {

constexpr std::array parties{Party::parent, Party::reg, Party::acr, Party::apr};
constexpr std::array types{
    MessageType::ready,        MessageType::ping,         MessageType::pong,      MessageType::stop,
    MessageType::pool_request, MessageType::pool_sockets, MessageType::peer_link, MessageType::name_update,
    MessageType::look_up,      MessageType::looked_up,    MessageType::query,     MessageType::query_result,
    MessageType::link_lost,    MessageType::drain,        MessageType::drained,   MessageType::failed};

bool is_child(Party party) {
    return party != Party::parent;
}

bool expected(MessageType type, Party from, Party to) {
    switch (type) {
        case MessageType::ready:
        case MessageType::pong:
        case MessageType::query_result:
        case MessageType::link_lost:
        case MessageType::failed:
            return is_child(from) && to == Party::parent;
        case MessageType::ping:
        case MessageType::stop:
        case MessageType::peer_link:
        case MessageType::query:
            return from == Party::parent && is_child(to);
        case MessageType::pool_request:
        case MessageType::drained:
            return from == Party::reg && to == Party::parent;
        case MessageType::pool_sockets:
        case MessageType::drain:
            return from == Party::parent && to == Party::reg;
        case MessageType::name_update:
            return from == Party::acr && (to == Party::reg || to == Party::parent);
        case MessageType::look_up:
            return from == Party::reg && to == Party::apr;
        case MessageType::looked_up:
            return from == Party::apr && to == Party::reg;
    }
    return false;
}

}  // namespace

TEST_CASE("who may send what: every cell of the table") {
    static_assert(types.size() == message_type_count);
    for (MessageType type : types)
        for (Party from : parties)
            for (Party to : parties) {
                CAPTURE(to_string(type), to_string(from), to_string(to));
                CHECK(may_send(type, from, to) == expected(type, from, to));
            }
}

TEST_CASE("only pool sockets and new links carry descriptors") {
    for (MessageType type : types)
        CHECK(may_carry_descriptors(type) ==
              (type == MessageType::pool_sockets || type == MessageType::peer_link));
}

TEST_CASE("each message type has a name of its own and a number that leads back to it") {
    std::set<std::string_view> names;
    for (MessageType type : types) {
        CHECK(to_string(type) != "unknown");
        CHECK(names.insert(to_string(type)).second);
        CHECK(message_type(static_cast<std::uint16_t>(type)) == type);
    }
}

TEST_CASE("numbers outside the table are no types") {
    unsigned known = 0;
    for (unsigned number = 0; number <= 0xffff; ++number)
        if (message_type(static_cast<std::uint16_t>(number))) ++known;
    CHECK(known == message_type_count);
    CHECK_FALSE(message_type(0));
    CHECK(to_string(static_cast<MessageType>(0)) == "unknown");
    CHECK_FALSE(may_send(static_cast<MessageType>(99), Party::parent, Party::reg));
    CHECK_FALSE(may_carry_descriptors(static_cast<MessageType>(99)));
}

TEST_CASE("parties have the names of the log lines") {
    CHECK(to_string(Party::parent) == "parent");
    CHECK(to_string(Party::reg) == "REG");
    CHECK(to_string(Party::acr) == "ACR");
    CHECK(to_string(Party::apr) == "APR");
    CHECK(to_string(static_cast<Party>(17)) == "unknown");
}
