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
struct Load {
    std::uint32_t heavy_addresses = 1, light_addresses = 100;
    double heavy_rate = 150'000, light_rate = 2000;
    bool with_overload = true;
    std::deque<base::Address> queue = {};

    [[nodiscard]] Loss run(base::Duration time) const;
};

class Simulation {
public:
    explicit Simulation(const Load& load) : load_(load), queue_(load.queue) {}

    void receive_for_a_millisecond() {
        for (due_ += total_rate() / 1000; due_ >= 1; due_ -= 1) {
            const base::Address from = any_source();
            ++sent_[from.bytes[0]];
            if (queue_.size() < capacity)
                queue_.push_back(from);
            else
                ++buffer_.dropped;
        }
    }

    void work_for_a_millisecond(base::Instant now) {
        for (work_us_ = std::min(work_us_, 0.0) + 1000; work_us_ > 0;) {
            const std::size_t count = std::min<std::size_t>(queue_.size(), batch);
            buffer_.used = static_cast<std::uint32_t>(queue_.size()) * datagram_bytes;
            if (count < batch)
                overload_.seen_empty();
            else
                overload_.seen_full(buffer_, now);
            if (count == 0) break;
            for (std::size_t i = 0; i < count; ++i)
                read_one(now);
        }
    }

    /// What still waits is not lost.
    Loss loss() {
        for (const base::Address& from : queue_)
            ++forwarded_[from.bytes[0]];
        loss_.light = lost(light);
        loss_.heavy = lost(heavy);
        return loss_;
    }

private:
    static constexpr std::uint32_t datagram_bytes = 768, capacity = 10'000, batch = 32;
    static constexpr double forward_us = 1e6 / 60'000, drop_us = 1.5;

    [[nodiscard]] double total_rate() const { return load_.heavy_rate + load_.light_rate; }
    std::uint32_t any(std::uint32_t below) { return static_cast<std::uint32_t>(random_() % below); }
    base::Address any_source() {
        const bool is_light = any(100'000) < 100'000 * load_.light_rate / total_rate();
        return is_light ? host(light, any(load_.light_addresses)) : host(heavy, any(load_.heavy_addresses));
    }
    void read_one(base::Instant now) {
        const base::Address from = queue_.front();
        queue_.pop_front();
        const bool drops = load_.with_overload && overload_.drops(from, sources_, now);
        work_us_ -= drops ? drop_us : forward_us;
        ++(drops ? loss_.dropped : forwarded_[from.bytes[0]]);
        loss_.light_dropped += drops && from.bytes[0] == light ? 1 : 0;
    }
    double lost(std::uint8_t who) {
        const auto sent = static_cast<double>(std::max<std::uint64_t>(sent_[who], 1));
        return 1 - static_cast<double>(forwarded_[who]) / sent;
    }

    const Load& load_;
    std::deque<base::Address> queue_;
    net::ReceiveBuffer buffer_{.used = 0, .size = capacity * datagram_bytes, .dropped = 0};
    session::Overload overload_;
    session::HeavySources sources_;
    std::mt19937 random_{1};
    std::map<std::uint8_t, std::uint64_t> sent_, forwarded_;
    double due_ = 0, work_us_ = 0;
    Loss loss_;
};

Loss Load::run(base::Duration time) const {
    Simulation simulation(*this);
    for (base::Instant now{1h}; now < base::Instant{1h} + time; now += 1ms) {
        simulation.receive_for_a_millisecond();
        simulation.work_for_a_millisecond(now);
    }
    return simulation.loss();
}

}  // namespace

TEST_CASE("one source above the capacity loses its own datagrams and nobody else's [B-4]") {
    Load without{.with_overload = false}, with{};
    CHECK(without.run(5s).light > 0.4);
    const Loss loss = with.run(5s);
    CHECK(loss.light == 0);
    CHECK(loss.heavy > 0.4);
}

TEST_CASE("several heavy sources are found one share after the other, and light ones are spared [B-4]") {
    for (const std::uint32_t addresses : {2u, 16u, 100u}) {
        INFO(addresses);
        Load load{.heavy_addresses = addresses};
        const Loss loss = load.run(5s);
        CHECK(loss.light_dropped == 0);
        CHECK(loss.light < 0.05);
    }
}

TEST_CASE("a flood from many addresses makes no light source heavy [B-4]") {
    for (const std::uint32_t addresses : {5'000u, 1'000'000u}) {
        INFO(addresses);
        Load load{.heavy_addresses = addresses};
        CHECK(load.run(5s).light_dropped == 0);
    }
}

TEST_CASE("a busy client is not blamed for a flood that no source explains [B-4]") {
    const double rate = GENERATE(300.0, 1000.0);
    for (const double flood : {80'000.0, 150'000.0}) {
        CAPTURE(rate, flood);
        Load with{
            .heavy_addresses = 1'000'000, .light_addresses = 1, .heavy_rate = flood, .light_rate = rate};
        Load without = with;
        without.with_overload = false;
        CHECK(with.run(4s).light < without.run(4s).light + 0.05);
    }
}

TEST_CASE("a busy client is spared when heavier sources explain the load [B-4]") {
    for (const std::uint32_t addresses : {1u, 16u}) {
        CAPTURE(addresses);
        Load load{.heavy_addresses = addresses, .light_addresses = 1, .light_rate = 1000};
        CHECK(load.run(4s).light < 0.05);
    }
}

TEST_CASE("nothing is dropped while the buffer is at most half full [B-4]") {
    Load load{.heavy_rate = 50'000};
    CHECK(load.run(2s).dropped == 0);
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
        Load load{.light_addresses = addresses, .heavy_rate = 0, .light_rate = 20'000};
        for (std::uint32_t i = 0; i < 9'000; ++i)
            load.queue.push_back(host(light, i % addresses));
        const Loss loss = load.run(2s);
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
