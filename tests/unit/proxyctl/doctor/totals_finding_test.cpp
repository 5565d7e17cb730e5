#include <catch2/catch.hpp>

#include "proxyctl/doctor/finding.hpp"

using namespace proxyctl;
using namespace std::chrono_literals;

namespace {

Row totals(const char* counter, std::int64_t count, std::int64_t open = 0) {
    return Row({{"max_sessions", std::int64_t{100}}, {"open", open}, {counter, count}});
}

}  // namespace

TEST_CASE("a full session table is bad, and one that fills is warned about [G-11]") {
    for (const auto& [open, health] : {std::pair{79, Health::ok}, {80, Health::warn}, {100, Health::bad}}) {
        const auto findings = check_totals(totals("refused", 0, open), false);
        REQUIRE(findings.size() == 1);
        CHECK(findings[0].health == health);
        CHECK(findings[0].remedy.empty() == (health == Health::ok));
        CHECK(findings[0].what == std::to_string(open) + " of 100 sessions open");
    }
}

TEST_CASE("refusals, full buffers and lost lines are named with a remedy [G-11]") {
    for (const char* counter :
         {"buffer_full", "hold_dropped", "log_lost", "refused_sessions_full", "refused_no_socket",
          "refused_source_limited", "refused_rate_limited", "refused_of_tomorrow"}) {
        CAPTURE(counter);
        CHECK(check_totals(totals(counter, 0), false).size() == 1);
        const auto findings = check_totals(totals(counter, 7), false);
        REQUIRE(findings.size() == 2);
        CHECK(findings[1].health == Health::warn);
        CHECK_THAT(findings[1].what, Catch::StartsWith("7 "));
        CHECK_FALSE(findings[1].remedy.empty());
    }
    const auto denied = check_totals(totals("refused_acl", 7), false);
    REQUIRE(denied.size() == 2);
    CHECK(denied[1].health == Health::ok);
    CHECK(denied[1].what == "7 first datagrams refused: acl");
}

TEST_CASE("lost lines are reported once: by LOG's row where there is one [G-11]") {
    CHECK(check_totals(totals("log_lost", 7), true).size() == 1);
    CHECK(check_totals(totals("buffer_full", 7), true).size() == 2);
}

TEST_CASE("a missing syslog socket and a status file that is not written are found [G-11]") {
    CHECK(check_syslog(true).health == Health::ok);
    CHECK(check_syslog(false).health == Health::bad);
    const conf::StatusFile file{.path = "/run/status", .every = 60s};
    CHECK(check_status_file(file, 125s).health == Health::ok);
    CHECK(check_status_file(file, 126s).what ==
          "status-file: /run/status is 126s old and is not written any more");
    CHECK(check_status_file(file, std::nullopt).health == Health::bad);
}
