#include "resolvers/config_resolver.hpp"

#include "tests/unit/resolvers/resolver_fixture.hpp"
#include "tests/unit/resolvers/scripted_resolver.hpp"

using namespace resolvers;
using namespace std::chrono_literals;

namespace {

struct Acr {
    boost::asio::io_context io;
    ScriptedResolver resolver{io};
    RememberingSink sink;
    ConfigResolver config;

    explicit Acr(std::vector<std::string> names, base::Duration stale_max = 1h,
                 RefreshSchedule::Pauses pauses = {}, const KnownNames& known = {})
        : config(io, names, resolver, sink, stale_max, known, pauses) {
        config.start();
    }
    void answer(const std::string& name, const Answer& answer) {
        resolver.answer(name, answer);
        settle(io);
    }
    [[nodiscard]] std::string last() const { return sink.news.empty() ? "-" : text_of(sink.news.back()); }
};

}  // namespace

TEST_CASE("all names are asked for at once, not from the cache [K-52]") {
    Acr acr({"a", "b", "c"});
    REQUIRE(acr.resolver.asked.size() == 3);
    for (const auto& asked : acr.resolver.asked) {
        CHECK(asked.question.kind == Question::addresses);
        CHECK(asked.question.refresh);
        CHECK(asked.question.timeout == 0ms);  // the resolver's default: conf-timeout
        CHECK_FALSE(asked.question.private_welcome);
    }
    CHECK(acr.sink.news.empty());
    acr.answer("b", found({"192.0.2.2"}));
    CHECK(acr.last() == "b: 192.0.2.2");
    acr.answer("a", not_found(Answer::no_such_name));
    CHECK(acr.last() == "a:");
    acr.answer("c", not_found(Answer::timed_out));
    CHECK(acr.last() == "c: unresolved");
    CHECK(acr.sink.news.size() == 3);
    CHECK(acr.config.info().at(1).find("name b: 192.0.2.2, expires in") == 0);
}

TEST_CASE("what is known from before is told at once, and all names are asked for [K-55]") {
    KnownNames known({"b"});
    known.take({"b", false, {address_of("192.0.2.2")}});
    Acr acr({"a", "b"}, 1h, {}, known);
    CHECK(acr.last() == "b: 192.0.2.2");
    CHECK(acr.resolver.open() == 2);
    acr.answer("b", not_found(Answer::timed_out));
    acr.answer("a", not_found(Answer::timed_out));
    CHECK(acr.last() == "a: unresolved");
    CHECK(acr.sink.news.size() == 2);
}

TEST_CASE("without names there is nothing to do") {
    Acr acr({});
    settle(acr.io);
    CHECK(acr.resolver.asked.empty());
    CHECK(acr.config.info().empty());
}

TEST_CASE("it sleeps until the earliest expiry and wakes by itself [K-53]") {
    Acr acr({"a", "b"});
    acr.answer("a", found({"192.0.2.1"}, 1h));
    acr.answer("b", found({"192.0.2.2"}, 0s));  // half a second, never at once (K-56)
    CHECK(acr.resolver.open() == 0);
    run_until(acr.io, [&] { return acr.resolver.open() > 0; });
    REQUIRE(acr.resolver.asked.size() == 3);
    CHECK(acr.resolver.asked.back().question.name == "b");
    acr.answer("b", found({"192.0.2.2"}));
    CHECK(acr.sink.news.size() == 2);  // no change, no news
}

TEST_CASE(
    "a failed refresh is tried again and changes nothing, a recovery is told if it is a change [K-55]") {
    Acr acr({"a"}, 1h, {10ms, 20ms});
    acr.answer("a", found({"192.0.2.1"}, 0s));
    for (int i = 0; i < 3; ++i) {
        run_until(acr.io, [&] { return acr.resolver.open() > 0; });
        acr.answer("a", not_found(Answer::server_failure));
    }
    CHECK(acr.sink.news.size() == 1);
    run_until(acr.io, [&] { return acr.resolver.open() > 0; });
    acr.answer("a", found({"192.0.2.9"}));
    CHECK(acr.last() == "a: 192.0.2.9");
}

TEST_CASE("what nobody can resolve is given up without an answer [K-55]") {
    Acr acr({"a"}, 30ms);
    acr.answer("a", found({"192.0.2.1"}, 1ms));
    run_until(acr.io, [&] { return acr.resolver.open() > 0; });
    acr.answer("a", not_found(Answer::timed_out));
    run_until(acr.io, [&] { return acr.last() == "a:"; });
    Acr never({"a"}, 30ms);
    never.answer("a", not_found(Answer::timed_out));
    run_until(never.io, [&] { return never.last() == "a:"; });
    CHECK(text_of(never.sink.news.front()).starts_with("a:"));
    CHECK(never.resolver.asked.size() == 1);  // its pause was not over
}

TEST_CASE("names are asked for at once when that is wanted, but not twice at a time") {
    Acr acr({"a", "b"});
    CHECK(acr.config.refresh({"a"}) == 1);  // it is being asked for
    CHECK(acr.resolver.asked.size() == 2);
    acr.answer("a", found({"192.0.2.1"}, 1h));
    acr.answer("b", found({"192.0.2.2"}, 1h));
    CHECK(acr.resolver.open() == 0);
    CHECK(acr.config.refresh({"b", "c"}) == 1);
    REQUIRE(acr.resolver.open() == 1);
    acr.answer("b", found({"192.0.2.3"}, 1h));
    CHECK(acr.last() == "b: 192.0.2.3");
    CHECK(acr.config.refresh({"a", "b"}) == 2);
    CHECK(acr.resolver.open() == 2);
}

TEST_CASE("answers and timers that come after its end do nothing") {
    boost::asio::io_context io;
    ScriptedResolver resolver(io);
    RememberingSink sink;
    auto config =
        std::make_unique<ConfigResolver>(io, std::vector<std::string>{"a", "b"}, resolver, sink, 1h);
    config->start();
    resolver.answer("a", found({"192.0.2.1"}));
    config.reset();
    resolver.answer("b", found({"192.0.2.2"}));
    settle(io);
    CHECK(sink.news.empty());
}

TEST_CASE("names of a real resolver that ends are told as unresolved") {
    Fixture fixture(silent());
    RememberingSink sink;
    ConfigResolver config(fixture.io, {"a.example"}, *fixture.resolver, sink, 1h);
    config.start();
    fixture.resolver.reset();
    fixture.run_until([&] { return !sink.news.empty(); });
    CHECK(text_of(sink.news[0]) == "a.example: unresolved");
}

TEST_CASE("changes of a real server come through by themselves [K-53] [K-54]") {
    std::string now = "192.0.2.1";
    Fixture fixture;
    fixture.add_server([&now](EvilServer& server, const Asked& asked) {
        server.send(asked, Reply(asked.packet).a(asked.name, now, 0));
    });
    fixture.settings.ttl.least = 1ms;
    fixture.start();
    RememberingSink sink;
    ConfigResolver config(fixture.io, {"a.example"}, *fixture.resolver, sink, 1h);
    config.start();
    fixture.run_until([&] { return sink.news.size() == 1; });
    now = "192.0.2.2";
    fixture.run_until([&] { return sink.news.size() == 2; });
    CHECK(text_of(sink.news[1]) == "a.example: 192.0.2.2");
}
