#include "tests/unit/resolvers/resolver_fixture.hpp"

using namespace resolvers;
using namespace std::chrono_literals;

namespace {

constexpr unsigned type_a = 1, type_aaaa = 28;

}  // namespace

TEST_CASE("the failure of one family leaves the addresses of the other [D-1]") {
    Fixture fixture;
    fixture.add_server([](EvilServer& server, const Asked& asked) {
        const bool is_first = asked.type == (asked.name == "six.example" ? type_aaaa : type_a);
        if (is_first && asked.name == "six.example")
            server.send(asked, Reply(asked.packet).aaaa(asked.name, "2001:db8::1"));
        else if (is_first)
            server.send(asked, Reply(asked.packet).a(asked.name, "192.0.2.1"));
        else if (asked.name != "silent.example")
            server.send(asked, Reply(asked.packet).rcode(asked.name == "fails.example" ? 2 : 5));
    });
    fixture.settings.families = conf::Families::both;
    fixture.settings.server_timeout = 50ms;
    fixture.start();
    const auto check = [&](const char* name, const char* addresses, base::Family failed, const char* why) {
        INFO(name);
        const auto answer = fixture.ask(name);
        CHECK(text(answer) == addresses);
        CHECK(answer.failed == failed);
        CHECK_THAT(answer.failure, Catch::StartsWith(why));
        CHECK(answer.found_as == name);
    };
    check("fails.example", "ok 192.0.2.1", base::Family::v6, "AAAA: #1 SERVFAIL");
    check("refused.example", "ok 192.0.2.1", base::Family::v6, "AAAA: #1 REFUSED");
    check("six.example", "ok 2001:db8::1", base::Family::v4, "A: #1 REFUSED");
    // Not waited for longer than for one server, although it would be asked several times.
    const auto began = std::chrono::steady_clock::now();
    check("silent.example", "ok 192.0.2.1", base::Family::v6, "AAAA: #1 ");
    CHECK(std::chrono::steady_clock::now() - began < 2s);
}

TEST_CASE("a family that does not answer within the time-out leaves the addresses of the other [D-1]") {
    Fixture fixture;
    fixture.add_server([](EvilServer& server, const Asked& asked) {
        if (asked.type == type_a) server.send(asked, Reply(asked.packet).a(asked.name, "192.0.2.1"));
    });
    fixture.settings.families = conf::Families::both;
    fixture.settings.server_timeout = 10s;
    fixture.settings.timeout = 100ms;
    fixture.start();
    const auto answer = fixture.ask("a.example");
    CHECK(text(answer) == "ok 192.0.2.1");
    CHECK(answer.failed == base::Family::v6);
}

TEST_CASE("a family that fails while the other has no address is a failure of the name [D-1]") {
    Fixture fixture;
    fixture.add_server([](EvilServer& server, const Asked& asked) {
        const bool fails = asked.type == type_aaaa || asked.name == "both.example";
        server.send(asked, fails ? Reply(asked.packet).rcode(2) : Reply(asked.packet).soa("example", 10, 10));
    });
    fixture.settings.families = conf::Families::both;
    fixture.start();
    const auto one = fixture.ask("one.example");
    CHECK(one.status == Answer::server_failure);
    CHECK(one.failed == base::Family::v6);
    const auto both = fixture.ask("both.example");
    CHECK(both.status == Answer::server_failure);
    CHECK(both.failed == base::Family::none);
    CHECK_THAT(both.detail, Catch::Contains("A: #1 SERVFAIL") && Catch::Contains("AAAA: #1 SERVFAIL"));
}

TEST_CASE("a question for one family asks for that family only [D-1]") {
    Fixture fixture(always("192.0.2.1"));
    fixture.settings.families = conf::Families::both;
    fixture.start();
    Question question{"a.example."};
    question.family = base::Family::v4;
    CHECK(text(fixture.ask(question)) == "ok 192.0.2.1");
    REQUIRE(fixture.server().questions.size() == 1);
    CHECK(fixture.server().questions.front().type == type_a);
}

TEST_CASE("a family is not denied while another domain of the search list may have it [D-1]") {
    const auto answer_with = [](const std::string& failing, std::vector<std::string> search) {
        Fixture fixture;
        fixture.add_server([failing](EvilServer& server, const Asked& asked) {
            const bool fails = asked.type == type_aaaa && asked.name == failing;
            server.send(asked,
                        fails ? Reply(asked.packet).rcode(2) : Reply(asked.packet).soa("example", 10, 10));
        });
        fixture.settings.families = conf::Families::both;
        fixture.settings.search = std::move(search);
        fixture.start();
        return fixture.ask("host");
    };
    const Answer next_is_unknown = answer_with("host.first.example", {"first.example", "second.example"});
    CHECK(next_is_unknown.status == Answer::server_failure);
    CHECK(next_is_unknown.failed == base::Family::none);
    const Answer last = answer_with("host", {"first.example"});  // the name itself comes last
    CHECK(last.status == Answer::server_failure);
    CHECK(last.failed == base::Family::v6);
}
