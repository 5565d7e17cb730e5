#include "libudpserver/session/heavy_sources.hpp"

#include <catch2/catch.hpp>
#include <random>

using namespace std::chrono_literals;
using session::HeavySources;

namespace {

const base::Instant start{1h};

base::Address address(const std::string& text) {
    return *base::parse_address(text);
}
base::Address host(std::uint32_t number) {
    base::Address result = address("10.0.0.0");
    for (int byte = 1; byte < 4; ++byte)
        result.bytes[static_cast<std::size_t>(byte)] = static_cast<std::uint8_t>(number >> (24 - 8 * byte));
    return result;
}

}  // namespace

TEST_CASE("a heavy source is found among any number of light ones, which never count too high [B-4]") {
    HeavySources sources;
    std::mt19937 random(1);
    std::uint32_t heavy = 0, honest = 0, most_honest = 0;
    for (std::uint32_t i = 0; i < 200'000; ++i) {
        if (i % 50 == 0) {
            heavy = sources.add(address("192.0.2.1"), start);
        } else if (i % 1000 == 1) {
            most_honest = std::max(most_honest, sources.add(address("192.0.2.2"), start));
            ++honest;
        } else {
            sources.add(host(static_cast<std::uint32_t>(random())), start);
        }
    }
    CHECK(sources.total() == 200'000);
    CHECK(heavy > 4000 * 9 / 10);
    CHECK(heavy <= 4000);
    CHECK(most_honest <= honest);
}

TEST_CASE("an IPv6 /64 is one source, whatever its addresses [B-4]") {
    HeavySources sources;
    for (int i = 0; i < 1000; ++i)
        sources.add(address("2001:db8:0:1::" + std::to_string(i)), start);
    CHECK(sources.add(address("2001:db8:0:1::ffff"), start) == 1001);
    CHECK(sources.add(address("2001:db8:0:2::1"), start) == 1);
}

TEST_CASE("the past counts half after each 100 ms, and is forgotten [B-4]") {
    HeavySources sources;
    for (int i = 0; i < 1000; ++i)
        sources.add(address("10.0.0.1"), start);
    CHECK(sources.add(address("10.0.0.1"), start + 100ms) == 501);
    CHECK(sources.total() == 501);
    CHECK(sources.add(address("10.0.0.1"), start + 300ms) == 126);
    CHECK(sources.add(address("10.0.0.1"), start + 24h) == 1);
}
