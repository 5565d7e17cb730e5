// A worker that can forward 60,000 datagrams/s behind a buffer for 10,000, at loads above that.

#include "libudpserver/session/overload.hpp"

#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <random>

using namespace std::chrono_literals;

namespace {

base::Address host(std::uint8_t network, std::uint32_t number) {
    base::Address result = *base::parse_address("0.0.0.0");
    result.bytes[0] = network;
    for (int byte = 1; byte < 4; ++byte)
        result.bytes[static_cast<std::size_t>(byte)] = static_cast<std::uint8_t>(number >> (24 - 8 * byte));
    return result;
}

constexpr std::uint8_t light = 10, heavy = 20;

struct Loss {
    double light = 0, heavy = 0;      ///< part of their datagrams that was not forwarded
    std::uint64_t light_dropped = 0;  ///< by us, not by the kernel
    std::uint64_t dropped = 0;
};

/// 100 light sources send 2,000 datagrams/s together, and heavy ones `rate`, from a number of addresses.
struct Simulation {
    std::uint32_t heavy_addresses = 1, light_addresses = 100;
    double heavy_rate = 150'000, light_rate = 2000;
    bool with_overload = true;
    std::deque<base::Address> queue = {};

    Loss run(base::Duration time) {
        constexpr std::uint32_t datagram_bytes = 768, capacity = 10'000;
        constexpr double forward_us = 1e6 / 60'000, drop_us = 1.5;
        net::ReceiveBuffer buffer{.used = 0, .size = capacity * datagram_bytes, .dropped = 0};
        session::Overload overload;
        session::HeavySources sources;
        std::mt19937 random(1);
        std::map<std::uint8_t, std::uint64_t> sent, forwarded;
        const auto any = [&](std::uint32_t below) { return static_cast<std::uint32_t>(random() % below); };
        Loss loss;
        double work_us = 0;
        const double total_rate = heavy_rate + light_rate;
        double due = 0;
        for (base::Instant now{1h}; now < base::Instant{1h} + time; now += 1ms) {
            for (due += total_rate / 1000; due >= 1; due -= 1) {
                const bool is_light = any(100'000) < 100'000 * light_rate / total_rate;
                const auto from =
                    is_light ? host(light, any(light_addresses)) : host(heavy, any(heavy_addresses));
                ++sent[from.bytes[0]];
                if (queue.size() < capacity)
                    queue.push_back(from);
                else
                    ++buffer.dropped;
            }
            for (work_us = std::min(work_us, 0.0) + 1000; work_us > 0;) {
                const std::size_t count = std::min<std::size_t>(queue.size(), 32);
                buffer.used = static_cast<std::uint32_t>(queue.size()) * datagram_bytes;
                if (count < 32)
                    overload.seen_empty();
                else
                    overload.seen_full(buffer, now);
                if (count == 0) break;
                for (std::size_t i = 0; i < count; ++i) {
                    const base::Address from = queue.front();
                    queue.pop_front();
                    const bool drops = with_overload && overload.drops(from, sources, now);
                    work_us -= drops ? drop_us : forward_us;
                    ++(drops ? loss.dropped : forwarded[from.bytes[0]]);
                    loss.light_dropped += drops && from.bytes[0] == light ? 1 : 0;
                }
            }
        }
        for (const base::Address& from : queue)
            ++forwarded[from.bytes[0]];
        const auto lost = [&](std::uint8_t who) {
            return 1 - static_cast<double>(forwarded[who]) /
                           static_cast<double>(std::max<std::uint64_t>(sent[who], 1));
        };
        loss.light = lost(light);
        loss.heavy = lost(heavy);
        return loss;
    }
};

}  // namespace

TEST_CASE("one source above the capacity loses its own datagrams and nobody else's [B-4]") {
    Simulation without{.with_overload = false}, with{};
    CHECK(without.run(5s).light > 0.4);
    const Loss loss = with.run(5s);
    CHECK(loss.light == 0);
    CHECK(loss.heavy > 0.4);
}

TEST_CASE("several heavy sources are found one share after the other, and light ones are spared [B-4]") {
    for (const std::uint32_t addresses : {2u, 16u, 100u}) {
        INFO(addresses);
        Simulation simulation{.heavy_addresses = addresses};
        const Loss loss = simulation.run(5s);
        CHECK(loss.light_dropped == 0);
        CHECK(loss.light < 0.05);
    }
}

TEST_CASE("a flood from many addresses makes no light source heavy [B-4]") {
    for (const std::uint32_t addresses : {5'000u, 1'000'000u}) {
        INFO(addresses);
        Simulation simulation{.heavy_addresses = addresses};
        CHECK(simulation.run(5s).light_dropped == 0);
    }
}

TEST_CASE("a busy client is not blamed for a flood that no source explains [B-4]") {
    const double rate = GENERATE(300.0, 1000.0);
    for (const double flood : {80'000.0, 150'000.0}) {
        CAPTURE(rate, flood);
        Simulation with{
            .heavy_addresses = 1'000'000, .light_addresses = 1, .heavy_rate = flood, .light_rate = rate};
        Simulation without = with;
        without.with_overload = false;
        CHECK(with.run(4s).light < without.run(4s).light + 0.05);
    }
}

TEST_CASE("a busy client is spared when heavier sources explain the load [B-4]") {
    for (const std::uint32_t addresses : {1u, 16u}) {
        CAPTURE(addresses);
        Simulation simulation{.heavy_addresses = addresses, .light_addresses = 1, .light_rate = 1000};
        CHECK(simulation.run(4s).light < 0.05);
    }
}

TEST_CASE("nothing is dropped while the buffer is at most half full [B-4]") {
    Simulation simulation{.heavy_rate = 50'000};
    CHECK(simulation.run(2s).dropped == 0);
    session::Overload overload;
    session::HeavySources sources;
    const base::Instant now{1h};
    for (int i = 0; i < 10'000; ++i) {
        overload.seen_full({.used = 500, .size = 1000, .dropped = 0}, now + base::Duration(i));
        CHECK_FALSE(overload.drops(host(heavy, 1), sources, now + base::Duration(i)));
    }
}

TEST_CASE("a backlog after a pause is forwarded as a whole while it falls [B-4]") {
    for (const std::uint32_t addresses : {1u, 3u, 100u}) {
        INFO(addresses);
        Simulation simulation{.light_addresses = addresses, .heavy_rate = 0, .light_rate = 20'000};
        for (std::uint32_t i = 0; i < 9'000; ++i)
            simulation.queue.push_back(host(light, i % addresses));
        const Loss loss = simulation.run(2s);
        CHECK(loss.dropped == 0);
        CHECK(loss.light <= 0);
    }
}

TEST_CASE("a source with few datagrams is never heavy, even if nobody else sends [B-4]") {
    session::Overload overload;
    session::HeavySources sources;
    for (std::uint32_t i = 0; i < 32; ++i) {
        const base::Instant now = base::Instant{1h} + base::Duration(3 * i);
        overload.seen_full({.used = 900, .size = 1000, .dropped = i}, now);
        CHECK_FALSE(overload.drops(host(heavy, 1), sources, now));
    }
    overload.seen_full({.used = 900, .size = 1000, .dropped = 50}, base::Instant{1h} + 97ms);
    CHECK(overload.drops(host(heavy, 1), sources, base::Instant{1h} + 97ms));
}
