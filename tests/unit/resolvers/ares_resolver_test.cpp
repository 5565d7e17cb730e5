#include "resolvers/ares_resolver.hpp"

#include <unistd.h>
#include <catch2/catch.hpp>

#include <array>
#include <cstdio>
#include <fstream>

#include "tests/unit/resolvers/resolver_fixture.hpp"

using namespace resolvers;
using namespace std::chrono_literals;

namespace {

using Names = std::vector<std::string>;

constexpr unsigned type_a = 1, type_aaaa = 28;

base::Address address(const char* text) {
    return base::parse_address(text).value();
}

Question reverse(const char* text) {
    Question question;
    question.address = address(text);
    return question;
}

/// A zone: what these names mean; others do not exist.
EvilServer::Script zone(std::multimap<std::string, std::string> records) {
    return [records = std::move(records)](EvilServer& server, const Asked& asked) {
        Reply reply(asked.packet);
        const auto [first, last] = records.equal_range(asked.name);
        for (auto at = first; at != last; ++at) {
            const bool six = at->second.find(':') != std::string::npos;
            if (asked.type == type_a && !six) reply.a(asked.name, at->second);
            if (asked.type == type_aaaa && six) reply.aaaa(asked.name, at->second);
            if (asked.type == 12) reply.ptr(asked.name, at->second);
        }
        if (first == last) reply.rcode(3).authority().soa("example", 10, 10);
        server.send(asked, reply);
    };
}

struct HostsText {
    std::string path = "resolvers-test-hosts-" + std::to_string(::getpid());
    explicit HostsText(const std::string& text) { std::ofstream(path) << text; }
    ~HostsText() { std::remove(path.c_str()); }
};

}  // namespace

TEST_CASE("an address is its own answer, no server is asked") {
    Fixture fixture(silent());
    CHECK(text(fixture.ask("127.0.0.1")) == "ok 127.0.0.1");
    CHECK(text(fixture.ask("2001:db8::1")) == "ok 2001:db8::1");
    CHECK(fixture.server().questions.empty());
    CHECK(fixture.counters().literals == 2);
}

TEST_CASE("a bad name is refused, no server is asked") {
    Fixture fixture(silent());
    for (const char* name : {"", "a b", "a..b", "http://a", "1.2.3.4:53", "b\xc3\xbc.de"})
        CHECK(fixture.ask(name).status == Answer::bad_name);
    CHECK(fixture.ask(Question{}).status == Answer::bad_name);
    CHECK(fixture.server().questions.empty());
}

TEST_CASE("no name server at all is a failure with a reason") {
    Fixture fixture;
    fixture.start();
    const auto answer = fixture.ask("www.example.com");
    CHECK(answer.status == Answer::server_failure);
    CHECK(answer.detail == "no name server is configured");
}

TEST_CASE("a name means all its addresses, of both families [K-54]") {
    Fixture fixture;
    fixture.add_server(zone({{"both.example", "192.0.2.2"},
                             {"both.example", "192.0.2.1"},
                             {"both.example", "2001:db8::1"},
                             {"four.example", "192.0.2.4"}}));
    fixture.settings.families = conf::Families::both;
    fixture.start();
    CHECK(text(fixture.ask("both.example")) == "ok 2001:db8::1 192.0.2.1 192.0.2.2");
    CHECK(text(fixture.ask("four.example")) == "ok 192.0.2.4");
    const auto none = fixture.ask("none.example");
    CHECK(none.status == Answer::no_such_name);
    CHECK(none.ttl == 10s);
    CHECK_THAT(none.detail, Catch::Contains("#1 NXDOMAIN"));
}

TEST_CASE("half a list of a family is no list [K-64]") {
    Fixture fixture;
    fixture.add_server([](EvilServer& server, const Asked& asked) {
        server.send(asked, Reply(asked.packet).flags(0x8380).a(asked.name, "192.0.2.1"));
    });
    fixture.settings.server_timeout = 50ms;
    fixture.settings.tries = 1;
    fixture.start();
    const auto failed = fixture.ask("long.example");
    CHECK(failed.status != Answer::ok);
    CHECK(failed.addresses.empty());
}

TEST_CASE("the time-out is over everything: servers, tries, search domains [K-52]") {
    Fixture fixture;
    fixture.add_server(silent());
    fixture.add_server(silent());
    fixture.settings.timeout = 150ms;
    fixture.start();
    const auto began = std::chrono::steady_clock::now();
    const auto answer = fixture.ask("www.example.com");
    CHECK(answer.status == Answer::timed_out);
    CHECK(answer.detail == "A: #1 has not answered yet");
    CHECK(std::chrono::steady_clock::now() - began >= 150ms);
    CHECK(fixture.resolver->running() == 0);
    CHECK(fixture.server(1).questions.empty());
}

TEST_CASE("a name is asked for once for all who want it [K-59]") {
    Fixture fixture([](EvilServer& server, const Asked& asked) {
        server.after(
            30ms, [&server, asked] { server.send(asked, Reply(asked.packet).a(asked.name, "192.0.2.1")); });
    });
    int answered = 0;
    for (int i = 0; i < 100; ++i)
        fixture.resolver->ask(Question{i % 2 == 0 ? "www.example.com" : "WWW.EXAMPLE.com"},
                              [&](const Answer& answer) {
                                  CHECK(text(answer) == "ok 192.0.2.1");
                                  ++answered;
                              });
    fixture.run_until([&] { return answered == 100; });
    CHECK(fixture.server().questions.size() == 1);
    CHECK(fixture.counters().joined == 99);
}

TEST_CASE("each asker has its own time-out; the others still get the answer [K-58]") {
    Fixture fixture([](EvilServer& server, const Asked& asked) {
        server.after(
            150ms, [&server, asked] { server.send(asked, Reply(asked.packet).a(asked.name, "192.0.2.1")); });
    });
    std::vector<std::string> order;
    const auto ask = [&](base::Duration timeout) {
        Question question{"www.example.com"};
        question.timeout = timeout;
        fixture.resolver->ask(question, [&](const Answer& answer) { order.push_back(text(answer)); });
    };
    ask(30ms);
    ask(5s);
    fixture.run_until([&] { return order.size() == 2; });
    CHECK(order == Names{"timed out", "ok 192.0.2.1"});
}

TEST_CASE("answers are kept for their TTL, unless fresh ones are wanted [K-56]") {
    Fixture fixture(zone({{"www.example", "192.0.2.1"}}));
    for (int i = 0; i < 3; ++i) {
        CHECK(text(fixture.ask("www.example")) == "ok 192.0.2.1");
        CHECK(fixture.ask("none.example").status == Answer::no_such_name);
    }
    CHECK(fixture.server().questions.size() == 2);
    CHECK(fixture.counters().cached == 4);
    CHECK(fixture.ask("www.example").ttl <= 60s);
    CHECK(fixture.ask("www.example").detail == "#1, cached");
    Question again{"www.example"};
    again.refresh = true;
    CHECK(text(fixture.ask(again)) == "ok 192.0.2.1");
    CHECK(fixture.server().questions.size() == 3);
}

TEST_CASE("a TTL of 0 does not make us ask each time [K-56]") {
    Fixture fixture(always("192.0.2.1", 0));
    for (int i = 0; i < 20; ++i)
        CHECK(text(fixture.ask("www.example")) == "ok 192.0.2.1");
    CHECK(fixture.server().questions.size() <= 2);
}

TEST_CASE("the search list") {
    Fixture fixture;
    fixture.add_server(zone({{"a.one.example", "192.0.2.1"},
                             {"b.two.example", "192.0.2.2"},
                             {"c.d", "192.0.2.3"},
                             {"e.f.one.example", "192.0.2.4"}}));
    fixture.settings.search = Names{"one.example", "two.example"};
    fixture.start();
    CHECK(text(fixture.ask("a")) == "ok 192.0.2.1");
    CHECK(text(fixture.ask("b")) == "ok 192.0.2.2");
    CHECK(text(fixture.ask("c.d")) == "ok 192.0.2.3");
    CHECK(fixture.server().questions.back().name == "c.d");
    CHECK(text(fixture.ask("e.f")) == "ok 192.0.2.4");
    CHECK(text(fixture.ask("a.")) == "no such name");
    CHECK(text(fixture.ask("nothing")) == "no such name");
    CHECK(fixture.server().questions.back().name == "nothing");
}

TEST_CASE("a failure ends the search: the next domain could mean another host") {
    Fixture fixture;
    fixture.add_server([](EvilServer& server, const Asked& asked) {
        if (asked.name == "a.one.example")
            server.send(asked, Reply(asked.packet).rcode(2));
        else
            server.send(asked, Reply(asked.packet).a(asked.name, "203.0.113.66"));
    });
    fixture.settings.search = Names{"one.example", "two.example"};
    fixture.start();
    CHECK(text(fixture.ask("a")) == "server failure");
}

TEST_CASE("reverse names, with their own time-out [K-63]") {
    Fixture fixture;
    fixture.add_server(silent());
    fixture.add_server(zone({{"5.2.0.192.in-addr.arpa", "host.example"}}));
    fixture.settings.server_timeout = 20s;
    fixture.settings.initial_timeout = 50ms;
    fixture.start();
    CHECK(text(fixture.ask(reverse("192.0.2.5"))) == "ok host.example");
    CHECK(text(fixture.ask(reverse("192.0.2.6"))) == "no such name");
}

TEST_CASE("a public name must not mean a private address, and the message names the remedy [D-9]") {
    const std::multimap<std::string, std::string> records{{"rebind.example", "192.0.2.1"},
                                                          {"rebind.example", "127.0.0.1"}};
    Fixture fixture(zone(records));
    const auto refused = fixture.ask("rebind.example");
    CHECK(refused.status == Answer::refused_private);
    CHECK(refused.addresses.empty());
    CHECK_THAT(refused.detail,
               Catch::StartsWith("#1 127.0.0.1 is private; ") && Catch::Contains("resolver.allow-private"));
    CHECK(fixture.ask("rebind.example").status == Answer::refused_private);  // from the cache
    Question welcome{"rebind.example"};
    welcome.allow_private = true;
    CHECK(text(fixture.ask(welcome)) == "ok 127.0.0.1 192.0.2.1");

    Fixture allowing;
    allowing.add_server(zone(records));
    allowing.settings.allow_private = true;
    allowing.start();
    CHECK(text(allowing.ask("rebind.example")) == "ok 127.0.0.1 192.0.2.1");
}

TEST_CASE("the hosts file comes before the servers, private or not") {
    HostsText hosts("# comment\n10.0.0.1 Inside inside.example # more\n::1 inside\nnonsense\n10.0.0.2\n");
    Fixture fixture(always("192.0.2.1"));
    fixture.settings.hosts_file = hosts.path;
    fixture.start();
    CHECK(text(fixture.ask("inside")) == "ok ::1 10.0.0.1");
    CHECK(text(fixture.ask("INSIDE.example.")) == "ok 10.0.0.1");
    CHECK(text(fixture.ask(reverse("10.0.0.1"))) == "ok inside inside.example");
    CHECK(fixture.server().questions.empty());
    CHECK(text(fixture.ask("outside")) == "ok 192.0.2.1");
}

TEST_CASE("running and waiting look-ups are bounded; those beyond fail with a reason") {
    Fixture fixture(silent());
    fixture.options.max_lookups = 4;
    fixture.options.max_waiting = 6;
    fixture.options.max_askers = 20;
    fixture.start();
    std::array<int, base::lookup_statuses> got{};
    int answered = 0;
    std::string why_waiting;
    const auto ask = [&](const std::string& name, base::Duration timeout) {
        Question question{name};
        question.timeout = timeout;
        fixture.resolver->ask(question, [&](const Answer& answer) {
            ++got[answer.status];
            ++answered;
            if (answer.detail.starts_with("waited")) why_waiting = answer.detail;
        });
    };
    for (int i = 0; i < 15; ++i)
        ask("n" + std::to_string(i), i < 4 ? 150ms : 50ms);
    CHECK(fixture.resolver->running() == 4);
    CHECK(fixture.resolver->waiting() == 6);
    for (int i = 0; i < 15; ++i)
        ask("n0", 100ms);
    fixture.run_until([&] { return answered == 30; });
    CHECK(got[Answer::timed_out] == 20);
    CHECK(got[Answer::busy] == 10);
    CHECK(why_waiting == "waited for other look-ups to end");
    CHECK(fixture.resolver->running() == 0);
    CHECK(fixture.resolver->waiting() == 0);
}

TEST_CASE("those that wait get their turn, in order") {
    Fixture fixture(always("192.0.2.1"));
    fixture.options.max_lookups = 2;
    fixture.start();
    std::vector<int> order;
    for (int i = 0; i < 20; ++i)
        fixture.resolver->ask(Question{"n" + std::to_string(i)}, [&, i](const Answer& answer) {
            CHECK(answer.status == Answer::ok);
            order.push_back(i);
        });
    fixture.run_until([&] { return order.size() == 20; });
    CHECK(order.front() < 2);
    CHECK(order.back() > 17);
}

TEST_CASE("a resolver that ends answers what is pending [K-60]") {
    Fixture fixture(silent());
    fixture.options.max_lookups = 1;
    fixture.start();
    int cancelled = 0;
    for (const char* name : {"a", "b", "a"})
        fixture.resolver->ask(Question{name},
                              [&](const Answer& answer) { cancelled += answer.status == Answer::cancelled; });
    fixture.io.poll();
    fixture.resolver.reset();
    CHECK(cancelled == 0);
    fixture.run_until([&] { return cancelled == 3; });
}

TEST_CASE("a callback may ask again, or end the resolver") {
    Fixture fixture(always("192.0.2.1"));
    bool done = false;
    fixture.resolver->ask(Question{"a"}, [&](const Answer&) {
        fixture.resolver->ask(Question{"b"}, [&](const Answer& answer) {
            CHECK(answer.status == Answer::ok);
            fixture.resolver.reset();
            done = true;
        });
    });
    fixture.run_until([&] { return done; });
    fixture.io.poll();

    Fixture quiet(silent());
    bool timed_out = false;
    Question question{"a"};
    question.timeout = 30ms;
    quiet.resolver->ask(question, [&](const Answer&) {
        quiet.resolver.reset();
        timed_out = true;
    });
    quiet.run_until([&] { return timed_out; });
}

TEST_CASE("outcomes are counted") {
    Fixture fixture(zone({{"www.example", "192.0.2.1"}}));
    fixture.ask("www.example");
    fixture.ask("none.example");
    fixture.ask("a b");
    const auto info = fixture.resolver->info();
    CHECK_THAT(info, Catch::StartsWith("asked 3, ") && Catch::Contains("look-ups 2") &&
                         Catch::Contains("ok 1, no such name 1, bad name 1"));
}
