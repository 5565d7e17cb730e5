#include "libudpserver/session/session_store.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>
#include <random>

using namespace session;

TEST_CASE("the oldest unanswered session is the one to evict") {
    AgeQueue queue(4, 100);
    CHECK(queue.oldest() == none);
    CHECK_FALSE(queue.remove(100));
    queue.push(102);
    queue.push(100);
    queue.push(102);  // keeps its place
    CHECK(queue.size() == 2);
    CHECK(queue.oldest() == 102);
    CHECK(queue.remove(102));
    CHECK_FALSE(queue.remove(102));
    CHECK(queue.oldest() == 100);
    queue.push(102);
    CHECK(queue.oldest() == 100);
}

TEST_CASE("the queue agrees with a deque over random work [O-38]") {
    AgeQueue queue(50);
    std::deque<Slot> model;
    std::mt19937 random(3);
    for (int step = 0; step < 20'000; ++step) {
        const auto slot = static_cast<Slot>(random() % 50);
        const auto found = std::find(model.begin(), model.end(), slot);
        REQUIRE(queue.contains(slot) == (found != model.end()));
        if (random() % 2 == 0) {
            queue.push(slot);
            if (found == model.end()) model.push_back(slot);
        } else {
            REQUIRE(queue.remove(slot) == (found != model.end()));
            if (found != model.end()) model.erase(found);
        }
        REQUIRE(queue.size() == model.size());
        REQUIRE(queue.oldest() == (model.empty() ? none : model.front()));
    }
}
