#include "resolvers/resolver_service.hpp"

#include <sys/socket.h>

#include "libudpserver/ipc/messages.hpp"
#include "tests/unit/resolvers/scripted_resolver.hpp"

using namespace resolvers;
using namespace std::chrono_literals;

namespace {

struct Got {
    std::uint32_t id;
    ipc::LookupReply answer;
};

struct Apr {
    boost::asio::io_context io;
    ScriptedResolver resolver{io};
    ResolverService service;
    std::unique_ptr<ipc::Channel> reg;
    std::vector<Got> got;
    bool closed = false;

    explicit Apr(std::size_t limit = ResolverService::max_pending) : service(io, resolver, limit) {
        connect();
    }

    void connect() {
        auto [apr_end, reg_end] = ipc::link_pair();
        service.link(std::move(apr_end));
        reg = std::make_unique<ipc::Channel>(io, std::move(reg_end), ipc::Party::reg, ipc::Party::apr);
        reg->on_message([this](ipc::Message& message) {
            got.push_back({message.id, ipc::read<ipc::LookupReply>(message).value()});
        });
        reg->on_closed([this](const std::string&) { closed = true; });
    }
    void ask(const std::string& name, std::uint32_t id, base::Duration timeout = 0ms) {
        CHECK(reg->send(ipc::LookupRequest{name, {}, timeout}, id) == ipc::SendResult::sent);
        settle(io);
    }
    void answer(const std::string& name, const Answer& answer) {
        resolver.answer(name, answer);
        settle(io);
    }
    void wait_for(std::size_t count) {
        run_until(io, [&] { return got.size() >= count; });
        CHECK(got.size() == count);
    }
};

Answer long_answer(std::size_t addresses, std::size_t names, std::size_t length = 10) {
    Answer answer = found({});
    for (std::size_t i = 0; i < addresses; ++i)
        answer.addresses.push_back(address_of("192.0.2." + std::to_string(i)));
    answer.names.assign(names, std::string(length, 'a'));
    return answer;
}

}  // namespace

TEST_CASE("an answer goes back with the id of its question, in any order") {
    Apr apr;
    apr.ask("a", 7, 3s);
    apr.ask("b", 8);
    REQUIRE(apr.resolver.asked.size() == 2);
    CHECK(apr.resolver.asked[0].question.timeout == 3s);
    CHECK(apr.resolver.asked[1].question.timeout == 0s);
    CHECK_FALSE(apr.resolver.asked[0].question.refresh);
    CHECK(apr.service.pending() == 2);
    apr.answer("b", not_found(Answer::no_such_name, "#1 NXDOMAIN", 3s));
    apr.answer("a", found({"192.0.2.1", "2001:db8::1"}, 20s));
    apr.wait_for(2);
    CHECK(apr.got[0].id == 8);
    CHECK(apr.got[0].answer.status == Answer::no_such_name);
    CHECK(apr.got[0].answer.detail == "#1 NXDOMAIN");
    CHECK(apr.got[0].answer.ttl == 3s);
    CHECK(apr.got[1].id == 7);
    CHECK(apr.got[1].answer.status == Answer::ok);
    CHECK(apr.got[1].answer.addresses == found({"192.0.2.1", "2001:db8::1"}).addresses);
    CHECK(apr.got[1].answer.ttl == 20s);
    CHECK(apr.service.info() ==
          "look-ups pending 0, answered 2, lost 0, linked to REG, ok 1, no such name 1");
}

TEST_CASE("without a name the names of the address are meant [K-63]") {
    Apr apr;
    apr.reg->send(ipc::LookupRequest{"", address_of("192.0.2.1"), 0ms}, 1);
    settle(apr.io);
    REQUIRE(apr.resolver.asked.size() == 1);
    CHECK(apr.resolver.asked[0].question.is_reverse());
    CHECK(apr.resolver.asked[0].question.address == address_of("192.0.2.1"));
    apr.answer("", names_found({"a.example"}));
    apr.wait_for(1);
    CHECK(apr.got[0].answer.names == std::vector<std::string>{"a.example"});
}

TEST_CASE("too many questions are answered as busy, at once") {
    Apr apr(2);
    for (std::uint32_t id = 1; id <= 3; ++id)
        apr.ask("n" + std::to_string(id), id);
    apr.wait_for(1);
    CHECK(apr.got[0].id == 3);
    CHECK(apr.got[0].answer.status == Answer::busy);
    CHECK(apr.resolver.asked.size() == 2);
    apr.answer("n1", found({"192.0.2.1"}));
    apr.ask("n4", 4);
    CHECK(apr.resolver.asked.size() == 3);
}

TEST_CASE("what does not fit into a packet fails as a whole, a part of a list is never sent [K-64]") {
    Apr apr;
    const Answer fine[] = {long_answer(ipc::max_results, 0), long_answer(0, ipc::max_results, 200),
                           long_answer(0, 1, ipc::max_text)};
    const Answer bad[] = {long_answer(ipc::max_results + 1, 0), long_answer(0, ipc::max_results + 1),
                          long_answer(0, ipc::max_results, 300), long_answer(0, 1, ipc::max_text + 1)};
    std::uint32_t id = 0;
    for (const Answer& answer : fine) {
        apr.ask("x", ++id);
        apr.answer("x", answer);
        apr.wait_for(id);
        CHECK(apr.got.back().answer.status == Answer::ok);
        CHECK(apr.got.back().answer.addresses == answer.addresses);
        CHECK(apr.got.back().answer.names == answer.names);
    }
    for (const Answer& answer : bad) {
        apr.ask("x", ++id);
        apr.answer("x", answer);
        apr.wait_for(id);
        CHECK(apr.got.back().answer.status == Answer::server_failure);
        CHECK(apr.got.back().answer.addresses.empty());
        CHECK(apr.got.back().answer.names.empty());
        CHECK(apr.got.back().answer.detail.starts_with("answer too long: "));
    }
}

TEST_CASE("odd times and long details do not close the link") {
    Apr apr;
    Answer answer = found({"192.0.2.1"}, base::Duration::max());
    answer.detail.assign(10'000, 'x');
    apr.ask("x", 1);
    apr.answer("x", answer);
    apr.ask("x", 2);
    apr.answer("x", found({"192.0.2.1"}, -5s));
    apr.wait_for(2);
    CHECK(apr.got[0].answer.ttl == 720h);
    CHECK(apr.got[0].answer.detail.size() == ipc::max_text);
    CHECK(apr.got[1].answer.ttl == 0s);
}

TEST_CASE("answers to the questions of a dead link go nowhere [K-60]") {
    Apr apr;
    apr.ask("a", 1);
    apr.reg.reset();
    run_until(apr.io, [&] { return !apr.service.linked(); });
    CHECK(apr.service.pending() == 0);
    apr.connect();
    apr.ask("b", 1);
    apr.answer("a", found({"192.0.2.1"}));
    CHECK(apr.got.empty());
    CHECK(apr.service.pending() == 1);
    apr.answer("b", found({"192.0.2.2"}));
    apr.wait_for(1);
    CHECK(apr.got[0].answer.addresses == found({"192.0.2.2"}).addresses);
    CHECK(apr.service.info() == "look-ups pending 0, answered 1, lost 1, linked to REG, ok 1");
}

TEST_CASE("a malformed look-up closes the link") {
    const auto refused = [](auto send) {
        Apr apr;
        send(*apr.reg);
        run_until(apr.io, [&] { return apr.closed; });
        CHECK_FALSE(apr.service.linked());
        CHECK(apr.resolver.asked.empty());
    };
    refused([](ipc::Channel& reg) {
        reg.send(ipc::LookupRequest{"", {}, 0ms}, 1);
    });  // neither name nor address
    refused([](ipc::Channel& reg) { reg.send(ipc::LookupRequest{"a", {}, 0ms}, 0); });
    refused([](ipc::Channel& reg) { reg.send(ipc::MessageType::look_up, 1, ipc::Encoder()); });
    refused([](ipc::Channel& reg) {
        ipc::Encoder body;
        ipc::LookupRequest{"a", {}, 0ms}.encode(body);
        body.u8(0);
        reg.send(ipc::MessageType::look_up, 1, body);
    });
    refused([](ipc::Channel& reg) {
        ipc::Encoder body;
        body.string("a").u8(4).u16(0);
        reg.send(ipc::MessageType::look_up, 1, body);
    });
}

TEST_CASE("a REG that does not read its answers loses some and delays no other [K-57]") {
    Apr apr;
    auto [apr_end, reg_end] = ipc::link_pair();
    apr.service.link(std::move(apr_end));
    const Answer big = long_answer(0, ipc::max_results, 200);
    for (std::uint32_t id = 1; id <= 400; ++id) {
        ipc::Encoder packet;
        ipc::encode(packet, ipc::Header{static_cast<std::uint16_t>(ipc::MessageType::look_up), 0, id});
        ipc::LookupRequest{"a", {}, 0ms}.encode(packet);
        REQUIRE(::send(reg_end.get(), packet.data().data(), packet.data().size(), 0) > 0);
        settle(apr.io);
        apr.answer("a", big);
    }
    CHECK(apr.service.pending() == 0);
    CHECK(apr.service.linked());
    CHECK(apr.service.info().find(" lost 0,") == std::string::npos);
}
