#include "resolvers/confirming_resolver.hpp"

#include <optional>

#include "tests/unit/resolvers/resolver_fixture.hpp"
#include "tests/unit/resolvers/scripted_resolver.hpp"

using namespace resolvers;
using namespace std::chrono_literals;
using Names = std::vector<std::string>;

namespace {

struct Confirming {
    boost::asio::io_context io;
    ScriptedResolver inner{io};
    std::unique_ptr<ConfirmingResolver> resolver = std::make_unique<ConfirmingResolver>(io, inner, 5s);
    std::vector<Answer> got;

    void ask(Question question) {
        resolver->ask(std::move(question), [this](const Answer& answer) { got.push_back(answer); });
        CHECK(got.empty());
    }
    /// The question about the address has no name.
    void answer(const std::string& name, const Answer& answer) {
        inner.answer(name, answer);
        settle(io);
    }
    [[nodiscard]] const Question& question(std::size_t index) const { return inner.asked.at(index).question; }
    const Answer& only() {
        REQUIRE(got.size() == 1);
        return got.front();
    }
};

}  // namespace

TEST_CASE("questions for addresses pass") {
    Confirming fixture;
    Question question{"a.example"};
    question.timeout = 3s;
    fixture.ask(question);
    CHECK(fixture.question(0).name == "a.example");
    CHECK(fixture.question(0).timeout == 3s);
    CHECK_FALSE(fixture.question(0).allow_private);
    fixture.answer("a.example", found({"192.0.2.1"}));
    CHECK(text(fixture.only()) == "ok 192.0.2.1");
}

TEST_CASE("a name is believed if it has the address [K-63]") {
    Confirming fixture;
    fixture.ask(names_of("10.0.0.1"));
    CHECK(fixture.question(0).is_reverse());
    CHECK(fixture.question(0).timeout == 5s);
    fixture.answer("", names_found({"a.example"}, 30s));
    REQUIRE(fixture.inner.asked.size() == 2);
    const Question forward = fixture.question(1);
    CHECK_FALSE(forward.is_reverse());
    CHECK(forward.name == "a.example.");  // never with the search list
    CHECK(forward.allow_private);
    CHECK(forward.timeout > 0s);
    CHECK(forward.timeout <= 5s);
    fixture.answer("a.example.", found({"10.0.0.2", "10.0.0.1"}, 20s));
    CHECK(text(fixture.only()) == "ok a.example");
    CHECK(fixture.only().ttl == 20s);
    CHECK(fixture.only().addresses.empty());
}

TEST_CASE("only the names that have the address are answered; the least TTL of all counts [K-63]") {
    Confirming fixture;
    fixture.ask(names_of("192.0.2.1"));
    fixture.answer("", names_found({"c.example", "a.example", "b.example", "d.example"}, 30s));
    fixture.answer("d.example.", not_found(Answer::server_failure, "#1 SERVFAIL", 15s));
    fixture.answer("c.example.", found({"192.0.2.1"}, 25s));
    fixture.answer("b.example.", found({"192.0.2.2"}, 10s));
    CHECK(fixture.got.empty());
    fixture.answer("a.example.", found({"192.0.2.1"}, 40s));
    CHECK(text(fixture.only()) == "ok a.example c.example");
    CHECK(fixture.only().ttl == 10s);
}

TEST_CASE("unconfirmed names are no data [K-63]") {
    Confirming fixture;
    fixture.ask(names_of("192.0.2.1"));
    fixture.answer("", names_found({"victim.example", "gone.example", "empty.example", "bad.example"}, 30s));
    fixture.answer("victim.example.", found({"192.0.2.2"}));
    fixture.answer("gone.example.", not_found(Answer::no_such_name));
    fixture.answer("empty.example.", not_found(Answer::no_data));
    fixture.answer("bad.example.", not_found(Answer::bad_name));
    CHECK(text(fixture.only()) == "no data");
    CHECK(fixture.only().detail == "victim.example and 3 more: none has the address");
    CHECK(fixture.only().ttl == 5s);
}

TEST_CASE("a confirmation that failed is a failure, not a denial [K-63]") {
    for (const auto status : {Answer::server_failure, Answer::timed_out, Answer::busy, Answer::cancelled}) {
        Confirming fixture;
        fixture.ask(names_of("192.0.2.1"));
        fixture.answer("", names_found({"a.example", "b.example"}));
        fixture.answer("a.example.", not_found(status, "A: #1 SERVFAIL"));
        fixture.answer("b.example.", not_found(Answer::no_such_name));
        CHECK(fixture.only().status == status);
        CHECK(fixture.only().names.empty());
        CHECK(fixture.only().detail == "a.example and 1 more: not confirmed: A: #1 SERVFAIL");
    }
}

TEST_CASE("an address with very many names costs four look-ups at most") {
    Confirming fixture;
    fixture.ask(names_of("192.0.2.1"));
    Names names;
    for (int i = 0; i < 30; ++i)
        names.push_back("n" + std::to_string(i));
    fixture.answer("", names_found(names));
    CHECK(fixture.inner.asked.size() == 1 + ConfirmingResolver::max_confirmed);
    for (int i = 0; i < 4; ++i)
        fixture.answer(names[static_cast<std::size_t>(i)] + ".", found({"192.0.2.2"}));
    CHECK(fixture.only().detail == "n0 and 29 more: none has the address, 4 were checked");
}

TEST_CASE("no reverse name, or no answer: nothing is left to confirm [K-63]") {
    for (const auto status : {Answer::no_such_name, Answer::no_data, Answer::server_failure,
                              Answer::timed_out, Answer::busy, Answer::bad_name}) {
        Confirming fixture;
        fixture.ask(names_of("192.0.2.1"));
        fixture.answer("", not_found(status, "why"));
        CHECK(fixture.only().status == status);
        CHECK(fixture.only().detail == "why");
        CHECK(fixture.inner.asked.size() == 1);
    }
    Confirming fixture;
    fixture.ask(names_of("192.0.2.1"));
    fixture.answer("", names_found({}));
    CHECK(fixture.only().status == Answer::no_data);
}

TEST_CASE("the scope of a link-local address makes no difference") {
    Confirming fixture;
    Question question = names_of("fe80::1");
    question.address.scope = 7;
    fixture.ask(question);
    fixture.answer("", names_found({"a.example"}));
    fixture.answer("a.example.", found({"fe80::1"}));
    CHECK(text(fixture.only()) == "ok a.example");
}

TEST_CASE("a resolver that ends answers what is being confirmed with cancelled") {
    Confirming fixture;
    fixture.ask(names_of("192.0.2.1"));
    fixture.answer("", names_found({"a.example"}));
    fixture.resolver.reset();
    CHECK(fixture.got.empty());
    fixture.answer("a.example.", found({"192.0.2.1"}));
    CHECK(fixture.only().status == Answer::cancelled);
}

TEST_CASE("one time-out holds for all the steps [K-63]") {
    Fixture fixture;
    fixture.add_server([](EvilServer& server, const Asked& asked) {
        if (asked.type != 12) return;  // only reverse names are answered, and late
        server.after(100ms, [&server, asked] {
            server.send(asked, Reply(asked.packet).ptr(asked.name, "a.example"));
        });
    });
    fixture.start();
    ConfirmingResolver confirming(fixture.io, *fixture.resolver, 5s);
    Question question = names_of("192.0.2.1");
    question.timeout = 300ms;
    std::optional<Answer> got;
    const auto start = std::chrono::steady_clock::now();
    confirming.ask(question, [&](const Answer& answer) { got = answer; });
    fixture.run_until([&] { return got.has_value(); });
    CHECK(got->status == Answer::timed_out);
    CHECK(got->detail.starts_with("a.example: not confirmed: "));
    CHECK(std::chrono::steady_clock::now() - start < 2s);
    CHECK(fixture.server().count("a.example") > 0);
}
