#include <catch2/catch.hpp>
#include <set>

#include "libudpserver/ipc/requests.hpp"

using namespace ipc;

namespace {

Message answer_to(std::uint32_t id) {
    Message message;
    message.type = MessageType::pool_sockets;
    message.id = id;
    return message;
}

}  // namespace

TEST_CASE("an answer finds who asked, once") {
    boost::asio::io_context io;
    Requests requests(io);
    int first = 0, second = 0;
    const auto a = requests.add([&](Message* message) { first += message != nullptr; });
    const auto b = requests.add([&](Message* message) { second += message != nullptr; });
    CHECK(a != b);
    CHECK(a != 0);
    auto message = answer_to(b);
    requests.answer(message);
    CHECK(first == 0);
    CHECK(second == 1);
    requests.answer(message);
    CHECK(second == 1);
    CHECK(requests.pending() == 1);
}

TEST_CASE("an unknown id is dropped") {
    boost::asio::io_context io;
    Requests requests(io);
    for (std::uint32_t id : {0u, 1u, 0xffffffffu}) {
        auto message = answer_to(id);
        requests.answer(message);
    }
    CHECK(requests.pending() == 0);
}

TEST_CASE("a dead link fails everything pending, from the loop") {
    boost::asio::io_context io;
    Requests requests(io);
    int failed = 0;
    for (int i = 0; i < 3; ++i)
        requests.add([&](Message* message) { failed += message == nullptr; });
    requests.fail_all();
    CHECK(failed == 0);
    CHECK(requests.pending() == 0);
    io.poll();
    CHECK(failed == 3);
    io.restart();
    requests.fail_all();
    io.poll();
    CHECK(failed == 3);
}

TEST_CASE("a callback may ask again, also when it failed") {
    boost::asio::io_context io;
    Requests requests(io);
    std::set<std::uint32_t> ids;
    const auto ask = [&](auto& self) -> void { ids.insert(requests.add([&](Message*) { self(self); })); };
    ask(ask);
    auto message = answer_to(*ids.begin());
    requests.answer(message);
    CHECK(requests.pending() == 1);
    requests.fail_all();
    io.poll();
    CHECK(requests.pending() == 1);
    CHECK(ids.size() == 3);
}

TEST_CASE("a forgotten request is not called") {
    boost::asio::io_context io;
    Requests requests(io);
    bool called = false;
    const auto id = requests.add([&](Message*) { called = true; });
    requests.forget(id);
    auto message = answer_to(id);
    requests.answer(message);
    requests.fail_all();
    io.poll();
    CHECK_FALSE(called);
}
