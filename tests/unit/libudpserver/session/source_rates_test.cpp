#include "libudpserver/session/source_rates.hpp"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using session::SourceRates;

namespace {

const base::Instant start{1h};

base::Address address(const std::string& text) {
    return *base::parse_address(text);
}

conf::UdpServer per_address(std::uint32_t rate, std::uint32_t burst = 0) {
    conf::UdpServer settings;
    settings.per_address.rate = {rate, burst};
    return settings;
}

int taken(SourceRates& rates, const std::string& source, int wanted, base::Instant now) {
    int count = 0;
    for (int i = 0; i < wanted; ++i)
        count += rates.take(address(source), now) ? 1 : 0;
    return count;
}

}  // namespace

TEST_CASE("an address has its burst, then its rate, and no other address pays for it [B-4]") {
    SourceRates rates(per_address(100, 20), 1000);
    CHECK(taken(rates, "10.0.0.1", 500, start) == 20);
    CHECK(rates.is_over(address("10.0.0.1"), start));
    CHECK_FALSE(rates.is_over(address("10.0.0.2"), start));
    CHECK(taken(rates, "10.0.0.2", 20, start) == 20);
    CHECK(taken(rates, "10.0.0.1", 500, start + 100ms) == 10);
    CHECK(taken(rates, "10.0.0.1", 500, start + 10s) == 20);
}

TEST_CASE("without a burst a second's worth may come at once; without a rate everything passes [B-4]") {
    SourceRates limited(per_address(50), 1000), unlimited(conf::UdpServer{}, 1000);
    CHECK(taken(limited, "10.0.0.1", 500, start) == 50);
    CHECK(taken(unlimited, "10.0.0.1", 500, start) == 500);
    CHECK_FALSE(unlimited.is_over(address("10.0.0.1"), start));
}

TEST_CASE("an IPv6 /64 counts as one address [B-4]") {
    SourceRates rates(per_address(10), 1000);
    CHECK(taken(rates, "2001:db8:0:1::1", 6, start) == 6);
    CHECK(taken(rates, "2001:db8:0:1:ffff::2", 6, start) == 4);
    CHECK(taken(rates, "2001:db8:0:2::1", 6, start) == 6);
}

TEST_CASE("a network has a rate of its own, and what it refuses costs the address nothing [B-4]") {
    conf::UdpServer settings = per_address(10);
    settings.per_network.rate = {.rate = 15};
    SourceRates rates(settings, 1000);
    CHECK(taken(rates, "10.0.0.1", 50, start) == 10);
    CHECK(taken(rates, "10.0.0.2", 50, start) == 5);
    CHECK(taken(rates, "10.0.1.1", 50, start) == 10);
    // 10.0.0.2 has 5 left of its own, 10.0.0.1 none.
    CHECK(taken(rates, "10.0.0.2", 50, start + 334ms) == 5);
}

TEST_CASE("workers divide a rate, rounded up [B-4]") {
    conf::UdpServer settings = per_address(10);
    settings.workers = 4;
    SourceRates rates(settings, 1000);
    CHECK(taken(rates, "10.0.0.1", 50, start) == 3);
}

TEST_CASE("a flood of addresses does not make a heavy one forgotten [B-4]") {
    SourceRates rates(per_address(100), 100);
    REQUIRE(taken(rates, "10.0.0.1", 200, start) == 100);
    for (int i = 0; i < 100'000; ++i)
        CHECK(rates.take(address("10." + std::to_string(1 + i / 65536) + "." + std::to_string(i / 256 % 256) +
                                 "." + std::to_string(i % 256)),
                         start));
    CHECK(taken(rates, "10.0.0.1", 200, start) == 0);
}
