#include "resolvers/configured_names.hpp"

#include "tests/unit/resolvers/scripted_resolver.hpp"

using namespace resolvers;
using namespace std::chrono_literals;

namespace {

const base::Instant start{1000s};
const Answer::Status failures[] = {Answer::server_failure, Answer::timed_out,       Answer::busy,
                                   Answer::cancelled,      Answer::refused_private, Answer::bad_name};

/// The ids of the events, and the update, in one line.
std::string text(const NameReport& report) {
    std::string all;
    for (const NameReport::Event& event : report.events)
        all += std::string(event.message->id) + " ";
    return all + (report.update ? text_of(*report.update) : "-");
}

struct Table : ConfiguredNames {
    explicit Table(base::Duration stale_max = 1h, const NameSnapshot& snapshot = NameSnapshot({"x", "y"}))
        : ConfiguredNames(snapshot, stale_max, start) {}
    NameReport report(const Answer& answer, base::Duration when) {
        return on_answer("x", answer, start + when, 0);
    }
    std::string take(const Answer& answer, base::Duration when) { return text(report(answer, when)); }
    /// With all look-ups running, only an expiry is left.
    std::optional<base::Instant> next_expiry() {
        take_due(base::Instant::max());
        return next_event();
    }
};

/// The single name x, answered at the start: when is it due again?
struct Schedule : ConfiguredNames {
    Schedule() : ConfiguredNames(NameSnapshot({"x"}), 1000h, start) {}
    std::optional<base::Instant> answered(const Answer& answer, double jitter = 0) {
        on_answer("x", answer, start, jitter);
        return next_event();
    }
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("the first answer is published, then only changes, whole lists [K-54]") {
    Table table;
    CHECK(table.take(found({"192.0.2.2", "192.0.2.1"}), 0s) == "x: 192.0.2.1 192.0.2.2");
    CHECK(table.take(found({"192.0.2.1", "192.0.2.2"}), 8s) == "-");
    CHECK(table.take(found({"192.0.2.2", "192.0.2.3"}), 16s) == "x: 192.0.2.2 192.0.2.3");
    CHECK(table.take(found({"192.0.2.3", "192.0.2.2", "192.0.2.2"}), 24s) == "-");
}

TEST_CASE("a denial empties the list at once and is logged once [K-55]") {
    for (const auto status : {Answer::no_such_name, Answer::no_data}) {
        Table table;
        CHECK(table.take(not_found(status), 0s) == "NAMS-221-W x:");
        CHECK(table.take(not_found(status), 10s) == "-");
        CHECK(table.take(found({"192.0.2.1"}), 20s) == "x: 192.0.2.1");
        CHECK(table.take(not_found(status), 30s) == "NAMS-221-W x:");
        CHECK(table.take(not_found(Answer::no_data), 40s) == "-");
        CHECK(table.take(not_found(Answer::timed_out), 50s) == "NAMS-220-W -");
        CHECK(table.take(not_found(status), 60s) == "NAMS-221-W -");
        CHECK_FALSE(table.next_expiry());
    }
}

TEST_CASE("an answer without addresses is a denial [K-55]") {
    Table table;
    table.take(found({"192.0.2.1"}), 0s);
    CHECK(table.take(found({}), 1s) == "NAMS-221-W x:");
}

TEST_CASE("a failure keeps the last good list until stale-max is over [K-55]") {
    for (const auto status : failures) {
        const std::string first = status == Answer::refused_private ? "NAMS-222-W -" : "NAMS-220-W -";
        Table table(60s);
        table.take(found({"192.0.2.1"}, 10s), 0s);
        CHECK_FALSE(table.next_expiry());
        CHECK(table.take(not_found(status), 8s) == first);
        CHECK(table.next_expiry() == start + 70s);
        CHECK(table.take(not_found(status), 9s) == "-");
        CHECK(table.take(not_found(status), 69999ms) == "-");
        CHECK(table.expire(start + 69999ms).empty());
        CHECK(table.take(not_found(status), 70s) == "NAMS-223-E x:");
        CHECK_FALSE(table.next_expiry());
        CHECK(table.take(not_found(status), 71s) == "-");
        CHECK(table.take(found({"192.0.2.1"}), 72s) == "NAMS-211-N x: 192.0.2.1");
    }
}

TEST_CASE("a name expires on time, without another answer [K-55]") {
    Table table(60s);
    table.take(found({"192.0.2.1"}, 10s), 0s);
    CHECK(table.expire(start + 1h).empty());  // no look-up has failed
    table.take(not_found(Answer::timed_out), 10s);
    CHECK(table.expire(start + 69999ms).empty());
    const auto reports = table.expire(start + 70s);
    REQUIRE(reports.size() == 1);
    CHECK(text(reports[0]) == "NAMS-223-E x:");
    CHECK(reports[0].events[0].text == "name x: timed out (#1); 192.0.2.1 expired, it has no addresses now");
    CHECK(table.expire(start + 71s).empty());
    CHECK(table.take(not_found(Answer::timed_out), 75s) == "-");
}

TEST_CASE("an answer restarts the time [K-55]") {
    Table table(60s);
    table.take(found({"192.0.2.1"}, 10s), 0s);
    table.take(not_found(Answer::timed_out), 9s);
    CHECK(table.take(found({"192.0.2.1"}, 10s), 69s) == "NAMS-211-N -");
    CHECK(table.take(not_found(Answer::timed_out), 100s) == "NAMS-220-W -");
    CHECK(table.next_expiry() == start + 139s);
}

TEST_CASE("with stale-max 0 the list ends with its TTL [K-55]") {
    Table table(0s);
    table.take(found({"192.0.2.1"}, 10s), 0s);
    CHECK(table.take(not_found(Answer::timed_out), 9s) == "NAMS-220-W -");
    CHECK(table.take(not_found(Answer::timed_out), 10s) == "NAMS-223-E x:");
    Table other(0s);
    CHECK(other.take(not_found(Answer::timed_out), 0s) == "NAMS-220-W NAMS-223-E x:");
}

TEST_CASE("a name without an answer is published as unresolved, and after stale-max as empty [K-55]") {
    for (const auto status : failures) {
        const std::string first = status == Answer::refused_private ? "NAMS-222-W " : "NAMS-220-W ";
        Table table(60s);
        CHECK(table.take(not_found(status), 15s) == first + "x: unresolved");
        CHECK(table.take(not_found(status), 59999ms) == "-");
        CHECK(table.next_expiry() == start + 60s);  // beyond the start, not the first failure
        CHECK(table.take(not_found(status), 60s) == "NAMS-223-E x:");
        CHECK(table.take(not_found(status), 61s) == "-");
    }
    Table table(60s);
    table.take(not_found(Answer::timed_out), 15s);
    CHECK(table.take(found({"192.0.2.1"}), 20s) == "NAMS-211-N x: 192.0.2.1");
    CHECK(table.take(not_found(Answer::timed_out), 30s) == "NAMS-220-W -");
    Table denied(60s);
    denied.take(not_found(Answer::timed_out), 15s);
    CHECK(denied.take(not_found(Answer::no_such_name), 20s) == "NAMS-221-W x:");
}

TEST_CASE("a private address in a series of failures is logged") {
    Table table;
    CHECK(table.take(found({"192.0.2.1"}), 0s) == "x: 192.0.2.1");
    CHECK(table.take(not_found(Answer::timed_out), 1s) == "NAMS-220-W -");
    CHECK(table.take(not_found(Answer::refused_private), 2s) == "NAMS-222-W -");
    CHECK(table.take(not_found(Answer::refused_private), 3s) == "-");
    CHECK(table.take(not_found(Answer::timed_out), 4s) == "-");
    CHECK(table.take(found({"192.0.2.1"}), 5s) == "NAMS-211-N -");
}

TEST_CASE("a list that no message can hold is a failure, not a part of a list [K-64]") {
    Answer many = found({});
    for (unsigned i = 0; i < ipc::max_results; ++i)
        many.addresses.push_back(address_of("192.0.2." + std::to_string(i)));
    Table table;
    CHECK(table.take(many, 0s) != "-");
    many.addresses.push_back(address_of("192.0.3.1"));
    const auto report = table.report(many, 0s);
    CHECK(text(report) == "NAMS-220-W -");
    CHECK(report.events[0].text.find("65 addresses, at most 64") != std::string::npos);
}

TEST_CASE("an answer for another name changes nothing") {
    Table table;
    CHECK(text(table.on_answer("z", found({"192.0.2.1"}), start, 0)) == "-");
    CHECK(table.info(start).size() == 2);
}

TEST_CASE("the names with addresses, expiry and the last error [K-20]") {
    Table table(60s);
    CHECK(table.info(start) ==
          std::vector<std::string>{"name x: not resolved yet", "name y: not resolved yet"});
    table.take(found({"192.0.2.1", "2001:db8::1"}, 40s), 0s);
    CHECK(table.info(start + 4500ms).front() == "name x: 2001:db8::1, 192.0.2.1, TTL ends in 35s");
    table.take(not_found(Answer::timed_out, "A: #1 no answer"), 45s);
    CHECK(table.info(start + 50s).front() ==
          "name x: 2001:db8::1, 192.0.2.1, stale, expires in 50s; last error 5s ago: timed out "
          "(A: #1 no answer)");
    table.take(found({"192.0.2.1"}, 40s), 60s);
    CHECK(table.info(start + 60s).front() ==
          "name x: 192.0.2.1, TTL ends in 40s; last error 15s ago: timed out (A: #1 no answer)");
    table.take(not_found(Answer::no_such_name, ""), 70s);
    CHECK(table.info(start + 70s).front() == "name x: no addresses; last error 0s ago: no such name");
}

TEST_CASE("the state of a name [K-20]") {
    Table table(60s);
    const auto state = [&](base::Duration when) { return to_string(table.status(start + when)[0].state); };
    CHECK(state(0s) == "asked");
    table.take(found({"192.0.2.1"}, 40s), 0s);
    CHECK(state(0s) == "resolved");
    table.take(not_found(Answer::timed_out), 30s);
    CHECK(state(39999ms) == "resolved");
    CHECK(state(40s) == "stale");
    table.take(not_found(Answer::timed_out), 100s);
    CHECK(state(100s) == "failed");
    table.take(not_found(Answer::no_such_name), 110s);
    CHECK(state(110s) == "denied");
    table.take(not_found(Answer::refused_private), 120s);
    CHECK(state(120s) == "failed");
    table.take(found({"192.0.2.1"}, 40s), 130s);
    CHECK(state(130s) == "resolved");
    table.take(not_found(Answer::no_data), 140s);
    CHECK(state(140s) == "denied");
}

TEST_CASE("addresses of a snapshot stay in use until an answer, or until failures last too long [K-55]") {
    NameSnapshot known({"x", "y"});
    SECTION("addresses") {
        known.apply({"x", false, {address_of("192.0.2.1")}});
        Table table(60s, known);
        REQUIRE(table.initial_updates().size() == 1);
        CHECK(text_of(table.initial_updates()[0]) == "x: 192.0.2.1");
        CHECK(table.info(start + 1s).at(0) == "name x: 192.0.2.1, stale, expires in 59s");
        CHECK(table.status(start + 1s).at(0).state == NameStatus::stale);
        SECTION("the same again is no update") {
            CHECK(table.take(found({"192.0.2.1"}), 1s) == "-");
        }
        SECTION("others are") {
            CHECK(table.take(found({"192.0.2.2"}), 1s) == "x: 192.0.2.2");
        }
        SECTION("a denial ends them") {
            CHECK(table.take(not_found(Answer::no_such_name), 1s) == "NAMS-221-W x:");
        }
        SECTION("a failure does not") {
            CHECK(table.take(not_found(Answer::timed_out), 1s) == "NAMS-220-W -");
            CHECK(table.next_expiry() == start + 60s);
            CHECK(table.take(not_found(Answer::timed_out), 61s) == "NAMS-223-E x:");
        }
    }
    SECTION("without addresses") {
        known.apply({"x", false, {}});
        Table table(60s, known);
        CHECK(text_of(table.initial_updates().at(0)) == "x:");
        CHECK(table.take(not_found(Answer::no_such_name), 1s) == "-");
        CHECK(table.take(not_found(Answer::timed_out), 2s) == "NAMS-220-W -");
        CHECK(table.take(found({"192.0.2.2"}), 3s) == "NAMS-211-N x: 192.0.2.2");
    }
    SECTION("never resolved") {
        CHECK(Table(60s, known).initial_updates().empty());
    }
}

TEST_CASE("lists are sorted, each address once [K-54]") {
    Table table;
    CHECK(table.take(found({"192.0.2.2", "192.0.2.1", "192.0.2.2"}), 0s) == "x: 192.0.2.1 192.0.2.2");
    CHECK(text_of(table.current_update("x")) == "x: 192.0.2.1 192.0.2.2");
}

TEST_CASE("all names are due at once, an answered one before its TTL ends [K-53]") {
    Table table;
    CHECK(table.next_event() == start);
    CHECK(table.take_due(start - 1ms).empty());
    CHECK(table.take_due(start) == Names{"x", "y"});
    CHECK(table.take_due(start + 1h).empty());  // their look-ups are running
    CHECK_FALSE(table.next_event());
    table.on_answer("x", found({"192.0.2.1"}, 100s), start, 0.0);
    CHECK(table.next_event() == start + 80s);
    CHECK(table.take_due(start + 79s).empty());
    CHECK(table.take_due(start + 80s) == Names{"x"});
}

TEST_CASE("jitter spreads look-ups over 80 % to 90 % of the TTL, never under half a second [K-56]") {
    Schedule schedule;
    CHECK(schedule.answered(found({"192.0.2.1"}, 100s), 0.5) == start + 85s);
    CHECK(schedule.answered(found({"192.0.2.1"}, 100s), 1.0) == start + 90s);
    CHECK(schedule.answered(found({"192.0.2.1"}, 100s), 7.0) == start + 90s);
    CHECK(schedule.answered(found({"192.0.2.1"}, 0s)) == start + 500ms);
    CHECK(schedule.take_due(start + 1h) == Names{"x"});  // only the last one counts
    CHECK(schedule.take_due(start + 1h).empty());
}

TEST_CASE("after failures the delays double, after an answer they start again [K-55]") {
    for (const auto status : failures) {
        Schedule schedule;
        schedule.answered(found({"192.0.2.1"}));
        for (const auto delay : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s})
            CHECK(schedule.answered(not_found(status)) == start + delay);
        for (int i = 0; i < 100; ++i)
            CHECK(schedule.answered(not_found(status)) == start + 60s);
        schedule.answered(found({"192.0.2.1"}));
        CHECK(schedule.answered(not_found(status)) == start + 1s);
    }
}

TEST_CASE("a denied name is due when the denial expires, a minute later at most") {
    Schedule schedule;
    for (const auto status : {Answer::no_such_name, Answer::no_data}) {
        CHECK(schedule.answered(not_found(status, "", 20s)) == start + 20s);
        CHECK(schedule.answered(not_found(status, "", 0s)) == start + 1s);
        CHECK(schedule.answered(not_found(status, "", 1h)) == start + 60s);
        CHECK(schedule.answered(not_found(Answer::timed_out)) == start + 1s);
    }
}

TEST_CASE("the longest overdue name is first; a name can be made due") {
    ConfiguredNames names(NameSnapshot({"a", "b", "c"}), 1h, start);
    names.take_due(start);
    CHECK(names.make_due("a", start));  // its look-up is running
    CHECK_FALSE(names.next_event());
    names.on_answer("b", found({"192.0.2.1"}, 10s), start, 0.0);
    names.on_answer("a", found({"192.0.2.1"}, 30s), start, 0.0);
    names.on_answer("c", found({"192.0.2.1"}, 20s), start, 0.0);
    CHECK(names.next_event() == start + 8s);
    CHECK(names.make_due("a", start + 1s));
    CHECK_FALSE(names.make_due("d", start + 1s));
    CHECK(names.take_due(start + 1h) == Names{"a", "b", "c"});
}
