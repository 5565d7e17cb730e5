#include "bench/load/histogram.hpp"

#include <catch2/catch.hpp>

TEST_CASE("an empty histogram has zeros") {
    const load::Histogram histogram;
    CHECK(histogram.at(0.5) == 0);
    CHECK(histogram.highest() == 0);
}

TEST_CASE("percentiles are at most 1/64 above the value, and never above the highest") {
    load::Histogram histogram;
    for (std::uint64_t value = 1; value <= 100'000; ++value)
        histogram.add(value);
    for (const double share : {0.01, 0.5, 0.99, 0.999, 1.0}) {
        const double exact = share * 100'000;
        CHECK(static_cast<double>(histogram.at(share)) >= exact);
        CHECK(static_cast<double>(histogram.at(share)) <= exact * (1 + 1.0 / 64));
    }
    CHECK(histogram.at(1) == 100'000);
}

TEST_CASE("a few slow values move the high percentiles only") {
    load::Histogram histogram;
    for (int i = 0; i < 995; ++i)
        histogram.add(10);
    for (int i = 0; i < 5; ++i)
        histogram.add(1'000'000'000'000);
    CHECK(histogram.at(0.99) == 10);
    CHECK(histogram.at(0.999) == 1'000'000'000'000);
}
