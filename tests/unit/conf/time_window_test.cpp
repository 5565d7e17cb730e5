#include <catch2/catch.hpp>

#include "conf/time_window.hpp"
#include "tests/unit/conf/text_config.hpp"

using conf::parse_time_window;

TEST_CASE("time windows have days, hours or both") {
    const auto both = parse_time_window("Mon-Fri 07:00-19:30");
    REQUIRE(both);
    CHECK(both->days == 0x1f);
    CHECK(both->from == 7 * 60);
    CHECK(both->until == 19 * 60 + 30);
    const auto days = parse_time_window("sat,SUN");
    REQUIRE(days);
    CHECK(days->days == 0x60);
    CHECK(days->until == 24 * 60);
    const auto hours = parse_time_window("22:00-06:00");
    REQUIRE(hours);
    CHECK(hours->days == 0x7f);
    CHECK(hours->from > hours->until);
}

TEST_CASE("a range of days goes over the end of the week") {
    CHECK(parse_time_window("Fri-Mon")->days == 0x71);
    CHECK(parse_time_window("Mon,Wed-Thu,Sun")->days == 0x4d);
    CHECK(parse_time_window("Tue-Mon")->days == 0x7f);
}

TEST_CASE("midnight is 24:00 at the end and 00:00 at the beginning") {
    CHECK(parse_time_window("00:00-24:00")->until == 1440);
    CHECK(parse_time_window("12:00-00:00")->until == 0);
    CHECK_FALSE(parse_time_window("24:00-06:00"));
    CHECK_FALSE(parse_time_window("06:00-24:01"));
}

TEST_CASE("what is no time window is refused") {
    for (const char* bad : {"", " ", "Mon ", "Mon  07:00-08:00", "Monday", "Mon-", "-Fri", ",Mon", "Mon,",
                            "07:00", "7:00-8:00", "07:00-08:00 Mon", "07:60-08:00", "07:00-08:00-09:00",
                            "0a:00-08:00", "07:00-07:00", "Mon 07:00", "07.00-08.00"}) {
        INFO(bad);
        CHECK_FALSE(parse_time_window(bad));
    }
}

TEST_CASE("windows print in a form that reads back") {
    for (const char* text : {"Mon-Fri 07:00-19:00", "Mon-Sun 22:00-06:00", "Sat,Sun 00:00-24:00"}) {
        CHECK(to_string(*parse_time_window(text)) == text);
    }
}

TEST_CASE("a rule may have one window or several") {
    CHECK(rule_of("time: 'Mon 07:00-08:00'").time.size() == 1);
    CHECK(rule_of("time: [Mon, Wed 07:00-08:00]").time.size() == 2);
}
