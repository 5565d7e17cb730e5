#include "libudpserver/session/admission.hpp"

#include <catch2/catch.hpp>
#include <random>

using namespace session;
using base::Duration;
using base::Instant;

namespace {

constexpr Instant start{Duration{1'000'000}};

base::Address address(const char* text) {
    return *base::parse_address(text);
}

base::Address random_address(std::mt19937& random) {
    base::Address any = address("0.0.0.0");
    const auto number = static_cast<std::uint32_t>(random());
    for (std::size_t i = 0; i < 4; ++i)
        any.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
    return any;
}

unsigned admitted(Admission& admission, const char* source, unsigned tries, Instant now) {
    unsigned count = 0;
    for (unsigned i = 0; i < tries; ++i)
        count += admission.admit(address(source), now) == CloseReason::none;
    return count;
}

}  // namespace

TEST_CASE("limits of 0 are off [K-77]") {
    Admission admission({}, 1000, 1);
    CHECK(admitted(admission, "10.0.0.1", 10'000, start) == 10'000);
    admission.opened(address("10.0.0.1"));
}

TEST_CASE("new sessions of one address a second are bounded, others are not touched [K-77]") {
    conf::UdpServer settings;
    settings.per_address.new_per_second = 5;
    Admission admission(settings, 1000, 1);
    CHECK(admitted(admission, "10.0.0.1", 20, start) == 5);
    CHECK(admission.admit(address("10.0.0.1"), start) == CloseReason::source_limited);
    CHECK(admitted(admission, "10.0.0.2", 20, start) == 5);
    CHECK(admitted(admission, "10.0.0.1", 20, start + Duration{1000}) == 5);
}

TEST_CASE("all addresses of an IPv6 /64 are one source, of an IPv4 /24 one network [K-77]") {
    conf::UdpServer settings;
    settings.per_address.open = 1;
    settings.per_network.open = 3;
    Admission admission(settings, 1000, 1);
    admission.opened(address("2001:db8::1"));
    CHECK(admission.admit(address("2001:db8::ffff"), start) == CloseReason::source_limited);
    CHECK(admission.admit(address("2001:db8:0:1::1"), start) == CloseReason::none);
    for (const char* source : {"10.0.0.1", "10.0.0.2", "10.0.0.3"}) {
        CHECK(admission.admit(address(source), start) == CloseReason::none);
        admission.opened(address(source));
    }
    CHECK(admission.admit(address("10.0.0.4"), start) == CloseReason::source_limited);
    CHECK(admission.admit(address("10.0.1.4"), start) == CloseReason::none);
    admission.closed(address("10.0.0.2"));
    CHECK(admission.admit(address("10.0.0.4"), start) == CloseReason::none);
}

TEST_CASE("an IPv4 source and an IPv6 one with the same leading bytes are two [K-77]") {
    conf::UdpServer settings;
    settings.per_address.open = 1;
    Admission admission(settings, 1000, 1);
    admission.opened(address("10.1.2.3"));
    CHECK(admission.admit(address("a01:203::"), start) == CloseReason::none);
}

TEST_CASE("the rate over all sources is bounded [O-25]") {
    conf::UdpServer settings;
    settings.new_sessions_per_second = 10;
    Admission admission(settings, 1000, 1);
    CHECK(admitted(admission, "10.0.0.1", 7, start) == 7);
    CHECK(admitted(admission, "10.0.0.2", 7, start) == 3);
    CHECK(admission.admit(address("10.0.0.3"), start) == CloseReason::rate_limited);
    CHECK(admission.admit(address("10.0.0.3"), start + Duration{100}) == CloseReason::none);
}

TEST_CASE("a refused source takes nothing from the others, nor from its network [K-77]") {
    conf::UdpServer settings;
    settings.new_sessions_per_second = 10;
    settings.per_address.new_per_second = 2;
    settings.per_network.new_per_second = 4;
    Admission admission(settings, 1000, 1);
    CHECK(admitted(admission, "10.0.0.1", 1000, start) == 2);
    CHECK(admitted(admission, "10.0.0.2", 1000, start) == 2);
    CHECK(admitted(admission, "10.0.0.3", 1000, start) == 0);
    unsigned rest = 0;
    for (const char* source : {"10.1.0.1", "10.2.0.1", "10.3.0.1", "10.4.0.1"})
        rest += admitted(admission, source, 1000, start);
    CHECK(rest == 6);
}

TEST_CASE("limits are divided by the workers, rounded up, and never become none [K-77]") {
    conf::UdpServer settings;
    settings.per_address.open = 5;
    settings.per_address.new_per_second = 1;
    Admission admission(settings, 1000, 4);
    CHECK(admitted(admission, "10.0.0.1", 20, start) == 1);
    admission.opened(address("10.0.0.1"));
    CHECK(admission.admit(address("10.0.0.1"), start + Duration{2000}) == CloseReason::none);
    admission.opened(address("10.0.0.1"));
    CHECK(admission.admit(address("10.0.0.1"), start + Duration{4000}) == CloseReason::source_limited);
}

TEST_CASE("closing what was never opened makes no debt") {
    conf::UdpServer settings;
    settings.per_address.open = 1;
    Admission admission(settings, 1000, 1);
    admission.closed(address("10.0.0.1"));
    admission.opened(address("10.0.0.1"));
    admission.closed(address("10.0.0.1"));
    admission.closed(address("10.0.0.1"));
    admission.opened(address("10.0.0.1"));
}

TEST_CASE("a datagram without a source leaves no trace") {
    conf::UdpServer settings;
    settings.per_address = {1, 1};
    Admission admission(settings, 1000, 1);
    CHECK(admission.admit({}, start) == CloseReason::none);
    admission.opened({});
    admission.closed({});
    CHECK(admission.untracked() == 0);
}

TEST_CASE("a flood of sources does not evict an honest source [K-77]") {
    conf::UdpServer settings;
    settings.per_address = {10, 4};
    settings.per_network = {1000, 1000};
    Admission admission(settings, 4096, 1);
    const base::Address honest = address("10.0.0.1");
    for (int i = 0; i < 4; ++i)
        admission.opened(honest);
    std::mt19937 random(13);
    for (int i = 0; i < 1'000'000; ++i)
        (void)admission.admit(random_address(random), start);
    CHECK(admission.admit(honest, start) == CloseReason::source_limited);
    CHECK(admission.untracked() == 0);
}

TEST_CASE("sources for which live ones leave no place are admitted and counted [K-77]") {
    conf::UdpServer settings;
    settings.per_address = {1, 1};
    Admission admission(settings, 1, 1);  // 64 places
    std::mt19937 random(17);
    for (int i = 0; i < 1000; ++i)
        admission.opened(random_address(random));
    CHECK(admission.untracked() >= 1000 - 64);
    CHECK(admission.untracked() < 1000);
    unsigned in = 0;
    for (int i = 0; i < 1000; ++i)
        in += admission.admit(random_address(random), start) == CloseReason::none;
    CHECK(in == 1000);
}

TEST_CASE("sources that were seen longest ago give way first [K-77]") {
    conf::UdpServer settings;
    settings.per_address.new_per_second = 1;
    Admission admission(settings, 1, 1);  // 64 places
    std::mt19937 random(19);
    for (int i = 0; i < 1000; ++i)
        (void)admission.admit(random_address(random), start);
    CHECK(admission.admit(address("10.0.0.1"), start) == CloseReason::none);
    for (int i = 0; i < 1000; ++i) {
        (void)admission.admit(random_address(random), start);
        REQUIRE(admission.admit(address("10.0.0.1"), start) == CloseReason::source_limited);
    }
}
