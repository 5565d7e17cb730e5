#include "resolvers/ipc_resolver.hpp"

#include "libudpserver/ipc/messages.hpp"
#include "resolvers/resolver_service.hpp"
#include "tests/unit/resolvers/resolver_fixture.hpp"
#include "tests/unit/resolvers/scripted_resolver.hpp"

using namespace resolvers;
using namespace std::chrono_literals;

namespace {

/// REG's resolver and an APR that the test plays.
struct Reg {
    struct Asked {
        std::uint32_t id;
        ipc::LookupRequest look_up;
    };

    boost::asio::io_context io;
    std::unique_ptr<IpcResolver> resolver;
    std::unique_ptr<ipc::Channel> apr;
    std::vector<Asked> asked;
    std::vector<Answer> got;
    bool refused = false;

    explicit Reg(base::Duration timeout = 20s) : resolver(std::make_unique<IpcResolver>(io, timeout)) {}

    void connect() {
        auto [reg_end, apr_end] = ipc::link_pair();
        resolver->link(std::move(reg_end));
        apr = std::make_unique<ipc::Channel>(io, std::move(apr_end), ipc::Party::apr, ipc::Party::reg);
        apr->on_message([this](ipc::Message& message) {
            asked.push_back({message.id, ipc::read<ipc::LookupRequest>(message).value()});
        });
        apr->on_closed([this](const std::string&) { refused = true; });
        settle(io);
    }
    void die() {
        apr.reset();
        run_until(io, [&] { return !resolver->linked(); });
        settle(io);
    }
    void ask(Question question) {
        const auto before = got.size();
        resolver->ask(std::move(question), [this](const Answer& answer) { got.push_back(answer); });
        CHECK(got.size() == before);  // never inside the call
        settle(io);
    }
    void ask(const std::string& name, base::Duration timeout = 0ms) {
        Question question{name};
        question.timeout = timeout;
        ask(std::move(question));
    }
    void answer(std::uint32_t id, ipc::LookupReply answer) {
        apr->send(answer, id);
        settle(io);
    }
    void wait_for(std::size_t count) {
        run_until(io, [&] { return got.size() >= count; });
        CHECK(got.size() == count);
    }
};

ipc::LookupReply looked_up(Answer::Status status, std::initializer_list<const char*> addresses = {}) {
    return {{status, found(addresses).addresses, {}, 10s, "#1"}};
}

}  // namespace

TEST_CASE("questions and answers over the link") {
    Reg reg;
    reg.connect();
    reg.ask("a.example", 3s);
    reg.ask(names_of("192.0.2.1"));
    REQUIRE(reg.asked.size() == 2);
    CHECK(reg.asked[0].look_up.name == "a.example");
    CHECK(reg.asked[0].look_up.timeout <= 3s);
    CHECK(reg.asked[0].look_up.timeout > 2s);
    CHECK(reg.asked[1].look_up.name.empty());
    CHECK(reg.asked[1].look_up.address == address_of("192.0.2.1"));
    CHECK(reg.asked[1].look_up.timeout == 20s);
    auto names = looked_up(Answer::ok);
    names.names = {"b.example"};
    reg.answer(reg.asked[1].id, names);
    reg.answer(reg.asked[0].id, looked_up(Answer::ok, {"192.0.2.9"}));
    REQUIRE(reg.got.size() == 2);
    CHECK(text(reg.got[0]) == "ok b.example");
    CHECK(text(reg.got[1]) == "ok 192.0.2.9");
    CHECK(reg.got[1].ttl == 10s);
    CHECK(reg.got[1].detail == "#1");
    CHECK(reg.resolver->pending() == 0);
    CHECK(reg.resolver->info() ==
          "look-ups asked 2, pending 0, unsent 0, asked again 0, unknown answers 0, linked to APR, ok 2");
}

TEST_CASE("refusals come over as they are") {
    for (std::uint8_t status = 1; status < base::lookup_statuses; ++status) {
        Reg reg;
        reg.connect();
        reg.ask("a.example");
        reg.answer(1, looked_up(static_cast<Answer::Status>(status)));
        REQUIRE(reg.got.size() == 1);
        CHECK(reg.got[0].status == status);
    }
}

TEST_CASE("an answer without a question is dropped") {
    Reg reg;
    reg.connect();
    reg.ask("a.example");
    reg.answer(reg.asked[0].id + 1, looked_up(Answer::ok, {"192.0.2.66"}));
    reg.answer(0, looked_up(Answer::ok, {"192.0.2.66"}));
    CHECK(reg.got.empty());
    reg.answer(reg.asked[0].id, looked_up(Answer::ok, {"192.0.2.1"}));
    reg.answer(reg.asked[0].id, looked_up(Answer::ok, {"192.0.2.66"}));  // a second time
    REQUIRE(reg.got.size() == 1);
    CHECK(text(reg.got[0]) == "ok 192.0.2.1");
    CHECK(reg.resolver->linked());
    CHECK(reg.resolver->info().find("unknown answers 3") != std::string::npos);
}

TEST_CASE("an answer of the other kind is no answer") {
    Reg reg;
    reg.connect();
    reg.ask("a.example");
    auto names = looked_up(Answer::ok);
    names.names = {"b.example"};
    reg.answer(1, names);
    REQUIRE(reg.got.size() == 1);
    CHECK(reg.got[0].status == Answer::server_failure);
    CHECK(reg.got[0].names.empty());
}

TEST_CASE("a malformed answer closes the link, the question is asked again [K-60]") {
    const auto refused = [](const ipc::Encoder& body) {
        Reg reg;
        reg.connect();
        reg.ask("a.example");
        reg.apr->send(ipc::MessageType::looked_up, 1, body);
        run_until(reg.io, [&] { return reg.refused; });
        settle(reg.io);
        CHECK_FALSE(reg.resolver->linked());
        CHECK(reg.got.empty());
        reg.connect();
        REQUIRE(reg.asked.size() == 2);
        reg.answer(reg.asked[1].id, looked_up(Answer::ok, {"192.0.2.1"}));
        CHECK(reg.got.size() == 1);
    };
    ipc::Encoder empty, unknown_status, cut, longer;
    refused(empty);
    looked_up(static_cast<Answer::Status>(base::lookup_statuses)).encode(unknown_status);
    refused(unknown_status);
    cut.u8(0).u16(2).endpoint({address_of("192.0.2.1"), 0});
    refused(cut);
    looked_up(Answer::ok, {"192.0.2.1"}).encode(longer);
    longer.u8(0);
    refused(longer);
}

TEST_CASE("a question whose link dies is asked once more over the next one [K-60]") {
    Reg reg;
    reg.connect();
    reg.ask("a.example");
    reg.die();
    CHECK(reg.got.empty());
    reg.connect();
    REQUIRE(reg.asked.size() == 2);
    CHECK(reg.asked[1].look_up.name == "a.example");
    CHECK(reg.asked[1].look_up.timeout <= 20s);
    SECTION("and answered") {
        reg.answer(reg.asked[1].id, looked_up(Answer::ok, {"192.0.2.1"}));
        REQUIRE(reg.got.size() == 1);
        CHECK(text(reg.got[0]) == "ok 192.0.2.1");
    }
    SECTION("and fails with the second death") {
        reg.die();
        reg.wait_for(1);
        CHECK(reg.got[0].status == Answer::server_failure);
        CHECK(reg.got[0].detail == "APR exited twice");
        reg.connect();
        CHECK(reg.asked.size() == 2);
    }
    SECTION("a new link before the old one is known to be dead is the same") {
        reg.connect();
        reg.wait_for(1);
        CHECK(reg.got[0].detail == "APR exited twice");
    }
}

TEST_CASE("a question without a link waits for one, within its deadline [K-60]") {
    Reg reg;
    reg.ask("a.example", 10s);
    reg.ask("b.example", 30ms);
    CHECK(reg.got.empty());
    reg.wait_for(1);
    CHECK(reg.got[0].status == Answer::timed_out);
    CHECK(reg.got[0].detail == "no link to APR");
    reg.connect();
    REQUIRE(reg.asked.size() == 1);
    CHECK(reg.asked[0].look_up.name == "a.example");
    CHECK(reg.asked[0].look_up.timeout < 9980ms);
    reg.die();  // the first death
    reg.connect();
    CHECK(reg.asked.size() == 2);
}

TEST_CASE("no question waits forever, though APR never answers [K-60]") {
    Reg reg(1ms);
    reg.connect();
    const auto start = std::chrono::steady_clock::now();
    reg.ask("own.example", 30ms);
    reg.ask("default.example");
    reg.wait_for(2);
    CHECK(std::chrono::steady_clock::now() - start >= IpcResolver::margin);
    for (const Answer& answer : reg.got) {
        CHECK(answer.status == Answer::timed_out);
        CHECK(answer.detail == "APR did not answer");
    }
    CHECK(reg.resolver->pending() == 0);
    reg.answer(reg.asked[0].id, looked_up(Answer::ok, {"192.0.2.1"}));  // too late
    CHECK(reg.got.size() == 2);
}

TEST_CASE("what cannot be asked is refused here") {
    Reg reg;
    reg.connect();
    reg.ask("");
    reg.ask(std::string(ipc::max_text + 1, 'a'));
    reg.ask(Question{});
    REQUIRE(reg.got.size() == 3);
    for (const Answer& answer : reg.got)
        CHECK(answer.status == Answer::bad_name);
    CHECK(reg.asked.empty());
    CHECK(reg.resolver->linked());
}

TEST_CASE("the number of questions is bounded; all of them reach an APR that begins to read late") {
    Reg reg;
    auto [reg_end, apr_end] = ipc::link_pair();
    reg.resolver->link(std::move(reg_end));
    std::size_t answers = 0;
    for (std::size_t i = 0; i < IpcResolver::max_pending; ++i)
        reg.resolver->ask(Question{"n" + std::to_string(i)}, [&](const Answer&) { ++answers; });
    reg.ask("one.more");
    REQUIRE(reg.got.size() == 1);
    CHECK(reg.got[0].status == Answer::busy);
    CHECK(answers == 0);
    CHECK(reg.resolver->pending() == IpcResolver::max_pending);

    ipc::Channel apr(reg.io, std::move(apr_end), ipc::Party::apr, ipc::Party::reg);
    std::set<std::uint32_t> ids;
    apr.on_message([&](ipc::Message& message) { ids.insert(message.id); });
    run_until(reg.io, [&] { return ids.size() == IpcResolver::max_pending; });
    CHECK(ids.count(0) == 0);
    reg.resolver.reset();
    settle(reg.io);
    CHECK(answers == IpcResolver::max_pending);  // cancelled
}

TEST_CASE("a resolver that ends answers with cancelled") {
    Reg reg;
    reg.connect();
    reg.ask("a.example");
    reg.resolver.reset();
    CHECK(reg.got.empty());
    settle(reg.io);
    REQUIRE(reg.got.size() == 1);
    CHECK(reg.got[0].status == Answer::cancelled);
}

TEST_CASE("REG asks, APR asks a server: the whole way, through a death of APR [K-60]") {
    Fixture fixture;
    bool answers = false;
    fixture.add_server([&answers](EvilServer& server, const Asked& asked) {
        if (answers) server.send(asked, Reply(asked.packet).a(asked.name, "192.0.2.1"));
    });
    fixture.start();
    IpcResolver reg(fixture.io, 20s);
    auto service = std::make_unique<ResolverService>(fixture.io, *fixture.resolver);
    const auto connect = [&] {
        auto [reg_end, apr_end] = ipc::link_pair();
        reg.link(std::move(reg_end));
        service->link(std::move(apr_end));
    };
    connect();
    std::vector<Answer> got;
    reg.ask(Question{"a.example"}, [&](const Answer& answer) { got.push_back(answer); });
    fixture.run_until([&] { return !fixture.server().questions.empty(); });
    service.reset();
    fixture.run_until([&] { return !reg.linked(); });
    answers = true;
    service = std::make_unique<ResolverService>(fixture.io, *fixture.resolver);
    connect();
    fixture.run_until([&] { return !got.empty(); });
    CHECK(text(got[0]) == "ok 192.0.2.1");
}
