#include "resolvers/configured_names.hpp"

#include "tests/unit/resolvers/scripted_resolver.hpp"

using namespace resolvers;
using namespace std::chrono_literals;

namespace {

const base::Instant start{1000s};

/// The ids of the events, and the update, in one line.
std::string text(const NameReport& report) {
    std::string all;
    for (const NameReport::Event& event : report.events)
        all += std::string(event.message->id) + " ";
    return all + (report.update ? text_of(*report.update) : "-");
}

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

namespace {

/// `found` of one family, while the other one failed.
Answer half(std::initializer_list<const char*> addresses, base::Family failed, base::Duration ttl = 10s) {
    Answer answer = found(addresses, ttl);
    answer.failed = failed;
    answer.failure = std::string(base::record_type(failed)) + ": #1 REFUSED";
    answer.found_as = "x.example";
    return answer;
}

/// Denials take effect after half a minute.
struct Patient : ConfiguredNames {
    Patient() : ConfiguredNames(NameSnapshot({"x"}), 60s, start, {.negative_grace = 30s}) {}
    NameReport report(const Answer& answer, base::Duration when, base::Family family = base::Family::none) {
        return on_answer("x", answer, start + when, 0, family);
    }
    std::string take(const Answer& answer, base::Duration when, base::Family family = base::Family::none) {
        return text(report(answer, when, family));
    }
    std::string expired(base::Duration when) {
        std::string all;
        for (const NameReport& one : expire(start + when))
            all += text(one);
        return all;
    }
    [[nodiscard]] NameStatus state(base::Duration when) const { return status(start + when).at(0); }
};

}  // namespace

TEST_CASE("if one family fails, the other is used and the last good list stays for stale-max [D-1]") {
    Patient names;
    CHECK(names.take(found({"192.0.2.1", "2001:db8::1"}, 10s), 0s) == "x: 2001:db8::1 192.0.2.1");
    const NameReport report = names.report(half({"192.0.2.2"}, base::Family::v6), 8s);
    CHECK(text(report) == "NAMS-225-W x: 2001:db8::1 192.0.2.2");
    CHECK(report.events.at(0).text == "name x: AAAA: #1 REFUSED; using 2001:db8::1, 192.0.2.2");
    CHECK(names.state(8s).failed_family == base::Family::v6);
    CHECK(names.state(8s).state == NameStatus::resolved);
    CHECK(names.take(half({"192.0.2.3"}, base::Family::v6), 69s) == "x: 2001:db8::1 192.0.2.3");
    CHECK(names.expired(69999ms).empty());
    CHECK(names.expired(70s) == "NAMS-223-E x: 192.0.2.3");
    CHECK(names.take(found({"192.0.2.3", "2001:db8::2"}), 71s) == "NAMS-211-N x: 2001:db8::2 192.0.2.3");
    CHECK(names.state(71s).failed_family == base::Family::none);
}

TEST_CASE("a name whose one family fails from the start has the other's addresses [D-1]") {
    for (const auto failed : {base::Family::v4, base::Family::v6}) {
        Patient names;
        const char* const address = failed == base::Family::v6 ? "192.0.2.1" : "2001:db8::1";
        CHECK(names.take(half({address}, failed), 0s) == std::string("NAMS-225-W x: ") + address);
        CHECK(names.take(half({address}, failed), 8s) == "-");
    }
}

TEST_CASE("the failed family is retried alone, under the name that the other was found as [D-1]") {
    Patient names;
    names.take_due(start);
    names.take(half({"192.0.2.1"}, base::Family::v6, 1000s), 0s);
    CHECK(names.take_due_families(start + 999ms).empty());
    for (const auto at : {1s, 3s, 7s, 15s}) {
        const auto due = names.take_due_families(start + at);
        REQUIRE(due.size() == 1);
        CHECK(due[0].name == "x");
        CHECK(due[0].family == base::Family::v6);
        CHECK(due[0].found_as == "x.example.");
        CHECK(names.take_due_families(start + 1h).empty());  // it is running
        CHECK(names.take(not_found(Answer::timed_out), at, base::Family::v6) == "-");
    }
    CHECK(names.take_due(start + 799s).empty());
    CHECK(names.take(found({"2001:db8::1"}), 31s, base::Family::v6) == "NAMS-211-N x: 2001:db8::1 192.0.2.1");
    CHECK(names.take_due_families(start + 1h).empty());
    CHECK(names.take_due(start + 800s) == Names{"x"});
}

TEST_CASE("a retry that has been overtaken by a complete answer changes nothing [D-1]") {
    Patient names;
    names.take(half({"192.0.2.1"}, base::Family::v6), 0s);
    names.take_due_families(start + 1h);
    names.take(found({"192.0.2.1", "2001:db8::1"}), 8s);
    CHECK(names.take(not_found(Answer::timed_out), 9s, base::Family::v6) == "-");
    CHECK(names.state(9s).failed_family == base::Family::none);
}

TEST_CASE("one family denied and the other failing keeps what the failing one had [D-1]") {
    Patient names;
    names.take(found({"192.0.2.1", "2001:db8::1"}), 0s);
    Answer answer = not_found(Answer::server_failure, "AAAA: #1 SERVFAIL");
    answer.failed = base::Family::v6;
    answer.failure = answer.detail;
    CHECK(names.take(answer, 8s) == "NAMS-220-W x: 2001:db8::1");
}

TEST_CASE("during the grace period the name is asked at least four times [D-4]") {
    for (const auto grace : {4s, 30s, 3600s}) {
        ConfiguredNames names(NameSnapshot({"x"}), 60s, start, {.negative_grace = grace});
        names.take_due(start);
        names.on_answer("x", found({"192.0.2.1"}), start, 0);
        int asked = 0;
        base::Instant now = start;
        names.on_answer("x", not_found(Answer::no_such_name), now, 0);
        for (; now < start + grace; now = *names.next_event()) {
            if (names.take_due(now).empty()) continue;
            names.on_answer("x", not_found(Answer::no_such_name), now, 0);
            ++asked;
        }
        CHECK(asked >= 4);
        CHECK(names.status(now).at(0).addresses.size() == 1);
    }
}

TEST_CASE("after a denial the addresses stay for the grace period [D-4]") {
    for (const auto status : {Answer::no_such_name, Answer::no_data}) {
        Patient names;
        names.take(found({"192.0.2.1", "2001:db8::1"}), 0s);
        const NameReport report = names.report(not_found(status), 10s);
        CHECK(text(report) == "NAMS-226-W -");
        CHECK_THAT(report.events.at(0).text,
                   Catch::Contains("keeping 2001:db8::1, 192.0.2.1 for at most 30s"));
        CHECK(names.state(10s).state == NameStatus::stale);
        CHECK(names.take(not_found(status), 20s) == "-");
        CHECK(names.take(not_found(Answer::timed_out), 25s) == "NAMS-220-W -");  // does not prolong it
        CHECK(names.expired(39999ms).empty());
        CHECK(names.expired(40s) == "NAMS-221-W x:");
        CHECK(names.take(not_found(status), 41s).ends_with("-"));
    }
}

TEST_CASE("a denial that is corrected within the grace period changes nothing [D-4]") {
    Patient names;
    names.take(found({"192.0.2.1"}), 0s);
    names.take(not_found(Answer::no_such_name), 10s);
    CHECK(names.take(found({"192.0.2.1"}), 39s) == "NAMS-211-N -");
    CHECK(names.expired(1h).empty());
    CHECK(names.take(not_found(Answer::no_such_name), 50s) == "NAMS-226-W -");
    CHECK(names.expired(79999ms).empty());
    CHECK(names.expired(80s) == "NAMS-221-W x:");
}

TEST_CASE("a denial of one family takes effect at once while the other has addresses [D-4]") {
    Patient names;
    names.take(found({"192.0.2.1", "2001:db8::1"}), 0s);
    CHECK(names.take(found({"192.0.2.1"}), 8s) == "x: 192.0.2.1");
    CHECK(names.take(not_found(Answer::no_such_name), 16s) == "NAMS-226-W -");
}

TEST_CASE("a name without addresses is retried every second or two for the first minute [D-7]") {
    Schedule schedule;
    base::Duration total{};
    unsigned count = 0;
    while (total < 60s) {
        const auto delay = *schedule.answered(not_found(Answer::server_failure)) - start;
        CHECK((delay == 1s || delay == 2s));
        total += delay;
        ++count;
    }
    CHECK(count == 35);
    for (const auto delay : {4s, 8s, 16s, 32s, 60s, 60s})
        CHECK(schedule.answered(not_found(Answer::server_failure)) == start + delay);
}

TEST_CASE("many failing names are asked at most a hundred times a second [D-7]") {
    std::vector<std::string> many;
    for (int i = 0; i < 1000; ++i)
        many.push_back("n" + std::to_string(i));
    ConfiguredNames names(NameSnapshot(many), 1h, start);
    names.take_due(start);
    for (const std::string& name : many)
        names.on_answer(name, not_found(Answer::timed_out), start, 0);
    CHECK(names.next_event() == start + 10s);
}

TEST_CASE("when the network changes, failing names are due at once and the others are not [D-7]") {
    ConfiguredNames names(NameSnapshot({"a", "b", "c"}), 1h, start);
    names.take_due(start);
    for (int i = 0; i < 50; ++i)
        names.on_answer("a", not_found(Answer::server_failure), start, 0);
    names.on_answer("b", found({"192.0.2.1"}, 100s), start, 0);
    names.on_answer("c", half({"192.0.2.1"}, base::Family::v6, 100s), start, 0);
    names.make_failing_due(start + 500ms);
    CHECK(names.take_due(start + 500ms) == Names{"a"});
    CHECK(names.take_due_families(start + 500ms).size() == 1);
    names.on_answer("a", not_found(Answer::server_failure), start + 500ms, 0);
    CHECK(names.take_due(start + 1500ms) == Names{"a"});
}
