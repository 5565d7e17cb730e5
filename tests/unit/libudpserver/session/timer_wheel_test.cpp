#include "libudpserver/session/timer_wheel.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>

using namespace session;
using base::Duration;
using base::Instant;

namespace {

constexpr Instant start{Duration{1'000'000}};
constexpr std::size_t plenty = 1'000'000;

Instant at(std::int64_t ms) {
    return start + Duration{ms};
}

std::vector<Slot> fired(TimerWheel& wheel, Instant now, std::size_t budget = plenty) {
    std::vector<Slot> slots;
    wheel.advance(now, budget, [&](Slot slot) { slots.push_back(slot); });
    return slots;
}

}  // namespace

TEST_CASE("a deadline never fires early and at most one tick late") {
    for (const std::int64_t ms :
         {1, 99, 100, 101, 25'599, 25'600, 25'601, 6'000'001, 6'553'600, 40'000'050}) {
        TimerWheel wheel(1, start);
        wheel.set(0, at(ms));
        std::int64_t now = 0;
        while (fired(wheel, at(now)).empty())
            now += 50;
        INFO("deadline " << ms << " ms, fired at " << now);
        CHECK(now >= ms);
        CHECK(now < ms + 150);  // a tick, and the 50 ms between two calls
        CHECK(wheel.size() == 0);
    }
}

TEST_CASE("a deadline in the past fires at the next call, one before the start too") {
    TimerWheel wheel(2, start);
    wheel.set(0, start - Duration{5000});
    CHECK(fired(wheel, start - Duration{1}).empty());
    CHECK(fired(wheel, start) == std::vector<Slot>{0});
    (void)fired(wheel, at(1000));
    wheel.set(1, at(10));
    CHECK(fired(wheel, at(1100)) == std::vector<Slot>{1});
}

TEST_CASE("setting again moves a deadline, cancelling takes it away") {
    TimerWheel wheel(3, start);
    wheel.set(0, at(100));
    wheel.set(0, at(90'000));
    wheel.set(1, at(100));
    wheel.cancel(1);
    wheel.cancel(1);
    wheel.cancel(2);
    CHECK(wheel.size() == 1);
    CHECK(fired(wheel, at(89'999)).empty());
    CHECK(fired(wheel, at(90'000)) == std::vector<Slot>{0});
}

TEST_CASE("slots may begin anywhere") {
    TimerWheel wheel(2, start, 1000);
    wheel.set(1001, at(100));
    wheel.set(1000, at(200));
    CHECK(fired(wheel, at(200)) == std::vector<Slot>{1001, 1000});
}

TEST_CASE("equal deadlines fire in the order they were set, in slices of the budget [O-36][O-37]") {
    // In the current block, in a later one, and set on both sides of the moment a block begins.
    for (const std::int64_t ms : {500, 30'000, 25'600}) {
        TimerWheel wheel(1000, start);
        for (Slot slot = 0; slot < 500; ++slot)
            wheel.set(slot, at(ms));
        (void)fired(wheel, at(ms - 1));
        for (Slot slot = 500; slot < 1000; ++slot)
            wheel.set(slot, at(ms));
        std::vector<Slot> order;
        for (int calls = 0; order.size() < 1000 && calls < 100; ++calls) {
            const auto slice = fired(wheel, at(ms), 64);
            CHECK(slice.size() <= 64);
            order.insert(order.end(), slice.begin(), slice.end());
        }
        REQUIRE(order.size() == 1000);
        CHECK(std::is_sorted(order.begin(), order.end()));
    }
}

TEST_CASE("a call does no more work than its budget, moving between the levels included [O-36]") {
    TimerWheel wheel(100'000, start);
    for (Slot slot = 0; slot < 100'000; ++slot)
        wheel.set(slot, at(30'000));
    std::size_t total = 0, calls = 0;
    while (wheel.size() > 0) {
        const std::size_t now = fired(wheel, at(30'000), 1024).size();
        CHECK(now <= 1024);
        total += now;
        REQUIRE(++calls <= 200);
    }
    CHECK(total == 100'000);
    CHECK(calls >= 195);  // each entry moved once and called once
}

TEST_CASE("what is left over by the budget is due at once") {
    TimerWheel wheel(3, start);
    for (Slot slot = 0; slot < 3; ++slot)
        wheel.set(slot, at(100));
    CHECK(fired(wheel, at(150), 2).size() == 2);
    REQUIRE(wheel.next_deadline());
    CHECK(*wheel.next_deadline() <= at(150));
    CHECK(fired(wheel, at(150), 0).empty());
    CHECK(fired(wheel, at(150)) == std::vector<Slot>{2});
    CHECK_FALSE(wheel.next_deadline());
}

TEST_CASE("a callback may set and cancel any slot [O-38]") {
    TimerWheel wheel(4, start);
    for (Slot slot = 0; slot < 3; ++slot)
        wheel.set(slot, at(100));
    std::vector<Slot> slots;
    const auto callback = [&](Slot slot) {
        slots.push_back(slot);
        if (slot != 0) return;
        wheel.cancel(0);
        wheel.cancel(1);
        wheel.set(2, at(300));
        wheel.set(3, at(100));
    };
    wheel.advance(at(150), plenty, callback);
    CHECK(slots == std::vector<Slot>{0});
    wheel.advance(at(200), plenty, callback);
    CHECK(slots == std::vector<Slot>{0, 3});
    wheel.advance(at(300), plenty, callback);
    CHECK(slots == std::vector<Slot>{0, 3, 2});
}

TEST_CASE("a callback that sets a past deadline again and again does not hold advance up [O-36]") {
    TimerWheel wheel(1, start);
    wheel.set(0, at(100));
    std::size_t calls = 0;
    wheel.advance(at(60'000), plenty, [&](Slot slot) {
        ++calls;
        wheel.set(slot, at(0));
    });
    CHECK(calls == 1);
    CHECK(fired(wheel, at(60'100)).size() == 1);
}

TEST_CASE("next_deadline is a moment that leads to the expiry, never one after it [O-2]") {
    TimerWheel wheel(1, start);
    CHECK_FALSE(wheel.next_deadline());
    for (const std::int64_t ms : {50, 30'000, 100'000'000}) {
        Instant now = start;
        TimerWheel fresh(1, start);
        fresh.set(0, at(ms));
        int wakes = 0;
        while (fresh.size() > 0) {
            REQUIRE(fresh.next_deadline());
            now = std::max(now, *fresh.next_deadline());
            CHECK(now < at(ms + 100));
            (void)fired(fresh, now);
            REQUIRE(++wakes < 40);
        }
        CHECK(now >= at(ms));
    }
}

TEST_CASE("after a sleep of a year the wheel catches up at once") {
    TimerWheel wheel(2, start);
    const std::int64_t year = 365LL * 86'400'000;
    wheel.set(0, at(10 * year));
    wheel.set(1, at(500));
    CHECK(fired(wheel, at(year)) == std::vector<Slot>{1});
    CHECK(fired(wheel, at(10 * year)) == std::vector<Slot>{0});
}

TEST_CASE("the wheel agrees with a multimap over random work") {
    constexpr std::size_t slots = 300;
    std::mt19937 random(11);
    TimerWheel wheel(slots, start);
    std::multimap<Instant, Slot> model;
    std::map<Slot, Instant> due;
    Instant now = start;
    const auto forget = [&](Slot slot) {
        if (!due.contains(slot)) return;
        const auto [from, to] = model.equal_range(due[slot]);
        model.erase(std::find_if(from, to, [&](const auto& entry) { return entry.second == slot; }));
        due.erase(slot);
    };
    for (int step = 0; step < 60'000; ++step) {
        const auto slot = static_cast<Slot>(random() % slots);
        if (random() % 4 == 0) {
            wheel.cancel(slot);
            forget(slot);
        } else {
            const std::int64_t scale[] = {1'000, 30'000, 600'000, 20'000'000};
            const Instant deadline =
                now + Duration{static_cast<std::int64_t>(random()) % scale[random() % 4]};
            wheel.set(slot, deadline);
            forget(slot);
            due[slot] = model.emplace(deadline, slot)->first;
        }
        now += Duration{random() % 50 == 0 ? random() % 100'000 : random() % 300};
        for (const Slot expired : fired(wheel, now)) {
            REQUIRE(due.contains(expired));
            REQUIRE(due[expired] <= now);
            forget(expired);
        }
        REQUIRE(wheel.size() == model.size());
        if (!model.empty()) REQUIRE(model.begin()->first > now - TimerWheel::tick);
    }
}
