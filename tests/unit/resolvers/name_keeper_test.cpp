#include "resolvers/name_keeper.hpp"

#include "tests/unit/resolvers/scripted_resolver.hpp"

using namespace resolvers;
using namespace std::chrono_literals;

namespace {

const base::Instant start{1000s};
const Answer::Status failures[] = {Answer::server_failure, Answer::timed_out,       Answer::busy,
                                   Answer::cancelled,      Answer::refused_private, Answer::bad_name};

/// The ids of the events, and the news, in one line.
std::string text(const NameReport& report) {
    std::string all;
    for (const NameEvent& event : report.events)
        all += std::string(event.message->id) + " ";
    return all + (report.news ? text_of(*report.news) : "-");
}

struct Keeper : NameKeeper {
    explicit Keeper(base::Duration stale_max = 1h, const KnownNames& known = {})
        : NameKeeper({"x", "y"}, stale_max, start, known) {}
    std::string take(const Answer& answer, base::Duration when) {
        return text(NameKeeper::take("x", answer, start + when));
    }
};

}  // namespace

TEST_CASE("the first answer is told, then only changes, whole lists [K-54]") {
    Keeper keeper;
    CHECK(keeper.take(found({"192.0.2.2", "192.0.2.1"}), 0s) == "x: 192.0.2.1 192.0.2.2");
    CHECK(keeper.take(found({"192.0.2.1", "192.0.2.2"}), 8s) == "-");
    CHECK(keeper.take(found({"192.0.2.2", "192.0.2.3"}), 16s) == "x: 192.0.2.2 192.0.2.3");
    CHECK(keeper.take(found({"192.0.2.3", "192.0.2.2", "192.0.2.2"}), 24s) == "-");
}

TEST_CASE("a denial empties the list at once and is logged once [K-55]") {
    for (const auto status : {Answer::no_such_name, Answer::no_data}) {
        Keeper keeper;
        CHECK(keeper.take(not_found(status), 0s) == "NAMS-221-W x:");
        CHECK(keeper.take(not_found(status), 10s) == "-");
        CHECK(keeper.take(found({"192.0.2.1"}), 20s) == "x: 192.0.2.1");
        CHECK(keeper.take(not_found(status), 30s) == "NAMS-221-W x:");
        CHECK(keeper.take(not_found(Answer::no_data), 40s) == "-");
        CHECK(keeper.take(not_found(Answer::timed_out), 50s) == "NAMS-220-W -");
        CHECK(keeper.take(not_found(status), 60s) == "NAMS-221-W -");
        CHECK_FALSE(keeper.next_expiry());
    }
}

TEST_CASE("an answer without addresses is a denial [K-55]") {
    Keeper keeper;
    keeper.take(found({"192.0.2.1"}), 0s);
    CHECK(keeper.take(found({}), 1s) == "NAMS-221-W x:");
}

TEST_CASE("a failure keeps the last good list until stale-max is over [K-55]") {
    for (const auto status : failures) {
        const std::string first = status == Answer::refused_private ? "NAMS-222-W -" : "NAMS-220-W -";
        Keeper keeper(60s);
        keeper.take(found({"192.0.2.1"}, 10s), 0s);
        CHECK_FALSE(keeper.next_expiry());
        CHECK(keeper.take(not_found(status), 8s) == first);
        CHECK(keeper.next_expiry() == start + 70s);
        CHECK(keeper.take(not_found(status), 9s) == "-");
        CHECK(keeper.take(not_found(status), 69999ms) == "-");
        CHECK(keeper.expire(start + 69999ms).empty());
        CHECK(keeper.take(not_found(status), 70s) == "NAMS-223-E x:");
        CHECK_FALSE(keeper.next_expiry());
        CHECK(keeper.take(not_found(status), 71s) == "-");
        CHECK(keeper.take(found({"192.0.2.1"}), 72s) == "NAMS-211-N x: 192.0.2.1");
    }
}

TEST_CASE("a name is given up in time, no answer is needed for that [K-55]") {
    Keeper keeper(60s);
    keeper.take(found({"192.0.2.1"}, 10s), 0s);
    CHECK(keeper.expire(start + 1h).empty());  // nobody failed yet
    keeper.take(not_found(Answer::timed_out), 10s);
    CHECK(keeper.expire(start + 69999ms).empty());
    const auto reports = keeper.expire(start + 70s);
    REQUIRE(reports.size() == 1);
    CHECK(text(reports[0]) == "NAMS-223-E x:");
    CHECK(reports[0].events[0].text == "name x: timed out (#1); 192.0.2.1 is given up, it means nothing");
    CHECK(keeper.expire(start + 71s).empty());
    CHECK(keeper.take(not_found(Answer::timed_out), 75s) == "-");
}

TEST_CASE("an answer begins the time anew [K-55]") {
    Keeper keeper(60s);
    keeper.take(found({"192.0.2.1"}, 10s), 0s);
    keeper.take(not_found(Answer::timed_out), 9s);
    CHECK(keeper.take(found({"192.0.2.1"}, 10s), 69s) == "NAMS-211-N -");
    CHECK(keeper.take(not_found(Answer::timed_out), 100s) == "NAMS-220-W -");
    CHECK(keeper.next_expiry() == start + 139s);
}

TEST_CASE("with stale-max 0 the list ends with its TTL [K-55]") {
    Keeper keeper(0s);
    keeper.take(found({"192.0.2.1"}, 10s), 0s);
    CHECK(keeper.take(not_found(Answer::timed_out), 9s) == "NAMS-220-W -");
    CHECK(keeper.take(not_found(Answer::timed_out), 10s) == "NAMS-223-E x:");
    Keeper other(0s);
    CHECK(other.take(not_found(Answer::timed_out), 0s) == "NAMS-220-W NAMS-223-E x:");
}

TEST_CASE("a name without an answer is told as unresolved, and after stale-max as empty [K-55]") {
    for (const auto status : failures) {
        const std::string first = status == Answer::refused_private ? "NAMS-222-W " : "NAMS-220-W ";
        Keeper keeper(60s);
        CHECK(keeper.take(not_found(status), 15s) == first + "x: unresolved");
        CHECK(keeper.take(not_found(status), 59999ms) == "-");
        CHECK(keeper.next_expiry() == start + 60s);  // beyond the start, not the first failure
        CHECK(keeper.take(not_found(status), 60s) == "NAMS-223-E x:");
        CHECK(keeper.take(not_found(status), 61s) == "-");
    }
    Keeper keeper(60s);
    keeper.take(not_found(Answer::timed_out), 15s);
    CHECK(keeper.take(found({"192.0.2.1"}), 20s) == "NAMS-211-N x: 192.0.2.1");
    CHECK(keeper.take(not_found(Answer::timed_out), 30s) == "NAMS-220-W -");
    Keeper denied(60s);
    denied.take(not_found(Answer::timed_out), 15s);
    CHECK(denied.take(not_found(Answer::no_such_name), 20s) == "NAMS-221-W x:");
}

TEST_CASE("a private address in a row of failures is said, too") {
    Keeper keeper;
    CHECK(keeper.take(found({"192.0.2.1"}), 0s) == "x: 192.0.2.1");
    CHECK(keeper.take(not_found(Answer::timed_out), 1s) == "NAMS-220-W -");
    CHECK(keeper.take(not_found(Answer::refused_private), 2s) == "NAMS-222-W -");
    CHECK(keeper.take(not_found(Answer::refused_private), 3s) == "-");
    CHECK(keeper.take(not_found(Answer::timed_out), 4s) == "-");
    CHECK(keeper.take(found({"192.0.2.1"}), 5s) == "NAMS-211-N -");
}

TEST_CASE("a list that no message can hold is a failure, not a part of a list [K-64]") {
    Answer many = found({});
    for (unsigned i = 0; i < ipc::max_results; ++i)
        many.addresses.push_back(address_of("192.0.2." + std::to_string(i)));
    Keeper keeper;
    CHECK(keeper.take(many, 0s) != "-");
    many.addresses.push_back(address_of("192.0.3.1"));
    const auto report = keeper.NameKeeper::take("x", many, start);
    CHECK(text(report) == "NAMS-220-W -");
    CHECK(report.events[0].text.find("65 addresses, 64 at most") != std::string::npos);
}

TEST_CASE("of a name that is not kept nothing follows") {
    Keeper keeper;
    CHECK(text(keeper.NameKeeper::take("z", found({"192.0.2.1"}), start)) == "-");
    CHECK(keeper.info(start).size() == 2);
}

TEST_CASE("the names with addresses, expiry and the last trouble [K-20]") {
    Keeper keeper(60s);
    CHECK(keeper.info(start) ==
          std::vector<std::string>{"name x: not resolved yet", "name y: not resolved yet"});
    keeper.take(found({"192.0.2.1", "2001:db8::1"}, 40s), 0s);
    CHECK(keeper.info(start + 4500ms).front() == "name x: 2001:db8::1, 192.0.2.1, expires in 35s");
    keeper.take(not_found(Answer::timed_out, "A: #1 no answer"), 45s);
    CHECK(keeper.info(start + 50s).front() ==
          "name x: 2001:db8::1, 192.0.2.1, expired, given up in 50s; last trouble 5s ago: timed out "
          "(A: #1 no answer)");
    keeper.take(found({"192.0.2.1"}, 40s), 60s);
    CHECK(keeper.info(start + 60s).front() ==
          "name x: 192.0.2.1, expires in 40s; last trouble 15s ago: timed out (A: #1 no answer)");
    keeper.take(not_found(Answer::no_such_name, ""), 70s);
    CHECK(keeper.info(start + 70s).front() == "name x: nothing; last trouble 0s ago: no such name");
}

TEST_CASE("the state of a name [K-20]") {
    Keeper keeper(60s);
    const auto state = [&](base::Duration when) { return to_string(keeper.facts(start + when)[0].state); };
    CHECK(state(0s) == "asked");
    keeper.take(found({"192.0.2.1"}, 40s), 0s);
    CHECK(state(0s) == "resolved");
    keeper.take(not_found(Answer::timed_out), 30s);
    CHECK(state(39999ms) == "resolved");
    CHECK(state(40s) == "stale");
    keeper.take(not_found(Answer::timed_out), 100s);
    CHECK(state(100s) == "failed");
    keeper.take(not_found(Answer::no_such_name), 110s);
    CHECK(state(110s) == "denied");
    keeper.take(not_found(Answer::refused_private), 120s);
    CHECK(state(120s) == "failed");
    keeper.take(found({"192.0.2.1"}, 40s), 130s);
    CHECK(state(130s) == "resolved");
    keeper.take(not_found(Answer::no_data), 140s);
    CHECK(state(140s) == "denied");
}

TEST_CASE("a report goes to whom it belongs to, or to nobody") {
    Keeper keeper;
    RememberingSink sink;
    const auto report = keeper.NameKeeper::take("x", found({"192.0.2.1"}), start);
    deliver(report, &sink);
    deliver(report, nullptr);
    deliver({}, &sink);
    REQUIRE(sink.news.size() == 1);
    CHECK(text_of(sink.news[0]) == "x: 192.0.2.1");
}

TEST_CASE(
    "what a keeper before knew holds until there is an answer, or failures have lasted too long [K-55]") {
    KnownNames known({"x", "z"});
    known.take({"z", false, {address_of("192.0.2.9")}});
    SECTION("addresses") {
        known.take({"x", false, {address_of("192.0.2.1")}});
        Keeper keeper(60s, known);
        REQUIRE(keeper.recalled().size() == 1);
        CHECK(text_of(keeper.recalled()[0]) == "x: 192.0.2.1");
        CHECK(keeper.info(start + 1s).at(0) == "name x: 192.0.2.1, expired, given up in 59s");
        CHECK(keeper.facts(start + 1s).at(0).state == NameFacts::stale);
        SECTION("the same again is no news") {
            CHECK(keeper.take(found({"192.0.2.1"}), 1s) == "-");
        }
        SECTION("others are") {
            CHECK(keeper.take(found({"192.0.2.2"}), 1s) == "x: 192.0.2.2");
        }
        SECTION("a denial ends them") {
            CHECK(keeper.take(not_found(Answer::no_such_name), 1s) == "NAMS-221-W x:");
        }
        SECTION("a failure does not") {
            CHECK(keeper.take(not_found(Answer::timed_out), 1s) == "NAMS-220-W -");
            CHECK(keeper.next_expiry() == start + 60s);
            CHECK(keeper.take(not_found(Answer::timed_out), 61s) == "NAMS-223-E x:");
        }
    }
    SECTION("that it means nothing") {
        known.take({"x", false, {}});
        Keeper keeper(60s, known);
        CHECK(text_of(keeper.recalled().at(0)) == "x:");
        CHECK(keeper.take(not_found(Answer::no_such_name), 1s) == "-");
        CHECK(keeper.take(not_found(Answer::timed_out), 2s) == "NAMS-220-W -");
        CHECK(keeper.take(found({"192.0.2.2"}), 3s) == "NAMS-211-N x: 192.0.2.2");
    }
    SECTION("nothing") {
        CHECK(Keeper(60s, known).recalled().empty());
    }
}
