#include "resolvers/config_resolver.hpp"

#include "tests/unit/resolvers/resolver_fixture.hpp"
#include "tests/unit/resolvers/scripted_resolver.hpp"

using namespace resolvers;
using namespace std::chrono_literals;

namespace {

base::Instant now() {
    return base::MonotonicClock::now();
}

struct Acr {
    boost::asio::io_context io;
    ScriptedResolver resolver{io};
    RememberingSink sink;
    ConfiguredNames table;
    ConfigResolver config{io, table, resolver, sink};

    explicit Acr(const NameSnapshot& names, base::Duration stale_max = 1h,
                 ConfiguredNames::Delays delays = {})
        : table(names, stale_max, now(), delays) {
        config.start();
    }
    explicit Acr(const std::vector<std::string>& names, base::Duration stale_max = 1h,
                 ConfiguredNames::Delays delays = {})
        : Acr(NameSnapshot(names), stale_max, delays) {}
    void answer(const std::string& name, const Answer& answer) {
        resolver.answer(name, answer);
        settle(io);
    }
    [[nodiscard]] std::string last() const {
        return sink.updates.empty() ? "-" : text_of(sink.updates.back());
    }
};

}  // namespace

TEST_CASE("all names are looked up at once, not from the cache [K-52]") {
    Acr acr(std::vector<std::string>{"a", "b", "c"});
    REQUIRE(acr.resolver.asked.size() == 3);
    for (const auto& asked : acr.resolver.asked) {
        CHECK_FALSE(asked.question.is_reverse());
        CHECK(asked.question.refresh);
        CHECK(asked.question.timeout == 0ms);  // the resolver's default: conf-timeout
        CHECK_FALSE(asked.question.allow_private);
    }
    CHECK(acr.sink.updates.empty());
    acr.answer("b", found({"192.0.2.2"}));
    CHECK(acr.last() == "b: 192.0.2.2");
    acr.answer("a", not_found(Answer::no_such_name));
    CHECK(acr.last() == "a:");
    acr.answer("c", not_found(Answer::timed_out));
    CHECK(acr.last() == "c: unresolved");
    CHECK(acr.sink.updates.size() == 3);
    CHECK(acr.table.info(now()).at(1).find("name b: 192.0.2.2, TTL ends in") == 0);
}

TEST_CASE("addresses of the snapshot are published at once, and all names are looked up [K-55]") {
    NameSnapshot snapshot({"a", "b"});
    snapshot.apply({"b", false, {address_of("192.0.2.2")}});
    Acr acr(snapshot);
    CHECK(acr.last() == "b: 192.0.2.2");
    CHECK(acr.resolver.open() == 2);
    acr.answer("b", not_found(Answer::timed_out));
    acr.answer("a", not_found(Answer::timed_out));
    CHECK(acr.last() == "a: unresolved");
    CHECK(acr.sink.updates.size() == 2);
}

TEST_CASE("without names there is nothing to do") {
    Acr acr(std::vector<std::string>{});
    settle(acr.io);
    CHECK(acr.resolver.asked.empty());
    CHECK(acr.table.info(now()).empty());
}

TEST_CASE("it sleeps until the earliest name is due [K-53]") {
    Acr acr(std::vector<std::string>{"a", "b"});
    acr.answer("a", found({"192.0.2.1"}, 1h));
    acr.answer("b", found({"192.0.2.2"}, 0s));  // half a second, never at once (K-56)
    CHECK(acr.resolver.open() == 0);
    run_until(acr.io, [&] { return acr.resolver.open() > 0; });
    REQUIRE(acr.resolver.asked.size() == 3);
    CHECK(acr.resolver.asked.back().question.name == "b");
    acr.answer("b", found({"192.0.2.2"}));
    CHECK(acr.sink.updates.size() == 2);  // no change, no update
}

TEST_CASE(
    "a failed look-up is retried and changes nothing, a recovery is published if it is a change [K-55]") {
    Acr acr(std::vector<std::string>{"a"}, 1h, {10ms, 20ms});
    acr.answer("a", found({"192.0.2.1"}, 0s));
    for (int i = 0; i < 3; ++i) {
        run_until(acr.io, [&] { return acr.resolver.open() > 0; });
        acr.answer("a", not_found(Answer::server_failure));
    }
    CHECK(acr.sink.updates.size() == 1);
    run_until(acr.io, [&] { return acr.resolver.open() > 0; });
    acr.answer("a", found({"192.0.2.9"}));
    CHECK(acr.last() == "a: 192.0.2.9");
}

TEST_CASE("an unresolvable name expires without an answer [K-55]") {
    Acr acr(std::vector<std::string>{"a"}, 30ms);
    acr.answer("a", found({"192.0.2.1"}, 1ms));
    run_until(acr.io, [&] { return acr.resolver.open() > 0; });
    acr.answer("a", not_found(Answer::timed_out));
    run_until(acr.io, [&] { return acr.last() == "a:"; });
    Acr never(std::vector<std::string>{"a"}, 30ms);
    never.answer("a", not_found(Answer::timed_out));
    run_until(never.io, [&] { return never.last() == "a:"; });
    CHECK(text_of(never.sink.updates.front()).starts_with("a:"));
    CHECK(never.resolver.asked.size() == 1);  // its retry was not due
}

TEST_CASE("refresh looks names up at once, but not twice at a time") {
    Acr acr(std::vector<std::string>{"a", "b"});
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

TEST_CASE("late answers and timers do nothing") {
    boost::asio::io_context io;
    ScriptedResolver resolver(io);
    RememberingSink sink;
    ConfiguredNames table(NameSnapshot({"a", "b"}), 1h, now());
    auto config = std::make_unique<ConfigResolver>(io, table, resolver, sink);
    config->start();
    resolver.answer("a", found({"192.0.2.1"}));
    config.reset();
    resolver.answer("b", found({"192.0.2.2"}));
    settle(io);
    CHECK(sink.updates.empty());
}

TEST_CASE("names of a resolver that is destroyed are published as unresolved") {
    Fixture fixture(silent());
    RememberingSink sink;
    ConfiguredNames table(NameSnapshot({"a.example"}), 1h, now());
    ConfigResolver config(fixture.io, table, *fixture.resolver, sink);
    config.start();
    fixture.resolver.reset();
    fixture.run_until([&] { return !sink.updates.empty(); });
    CHECK(text_of(sink.updates[0]) == "a.example: unresolved");
}

TEST_CASE("a change at a real name server is published [K-53] [K-54]") {
    std::string address = "192.0.2.1";
    Fixture fixture;
    fixture.add_server([&address](EvilServer& server, const Asked& asked) {
        server.send(asked, Reply(asked.packet).a(asked.name, address, 0));
    });
    fixture.settings.ttl.min = 1ms;
    fixture.start();
    RememberingSink sink;
    ConfiguredNames table(NameSnapshot({"a.example"}), 1h, now());
    ConfigResolver config(fixture.io, table, *fixture.resolver, sink);
    config.start();
    fixture.run_until([&] { return sink.updates.size() == 1; });
    address = "192.0.2.2";
    fixture.run_until([&] { return sink.updates.size() == 2; });
    CHECK(text_of(sink.updates[1]) == "a.example: 192.0.2.2");
}

TEST_CASE("a family that failed is asked for again, alone [D-1]") {
    Acr acr(std::vector<std::string>{"a"}, 1h, {.first = 1ms, .max = 1ms});
    Answer answer = found({"192.0.2.1"});
    answer.failed = base::Family::v6;
    answer.failure = "AAAA: #1 REFUSED";
    answer.found_as = "a.example";
    acr.answer("a", answer);
    CHECK(acr.last() == "a: 192.0.2.1");
    run_until(acr.io, [&] { return acr.resolver.asked.size() == 2; });
    CHECK(acr.resolver.asked[1].question.name == "a.example.");
    CHECK(acr.resolver.asked[1].question.family == base::Family::v6);
    CHECK(acr.resolver.asked[1].question.refresh);
    acr.answer("a.example.", found({"2001:db8::1"}));
    CHECK(acr.last() == "a: 2001:db8::1 192.0.2.1");
}

TEST_CASE("when the network changes, what fails is looked up at once [D-7]") {
    Acr acr(std::vector<std::string>{"a", "b"}, 1h, {.first = 1h, .max = 1h});
    acr.answer("a", not_found(Answer::server_failure));
    acr.answer("b", found({"192.0.2.1"}, 1h));
    acr.config.retry_failing();
    REQUIRE(acr.resolver.asked.size() == 3);
    CHECK(acr.resolver.asked[2].question.name == "a");
    acr.config.retry_failing();  // it is running
    CHECK(acr.resolver.asked.size() == 3);
}
