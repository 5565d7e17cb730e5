#include "libudpserver/session/source_shares.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <random>

using namespace session;

TEST_CASE("the shares of sources agree with a simple model over random work [B-2]") {
    constexpr Slot first = 100;
    constexpr std::size_t slots = 60, heavy = 5;
    SourceShares shares(slots, first, {heavy, heavy});
    std::map<std::pair<int, int>, std::deque<Slot>> model;  // by class and source
    std::vector<std::pair<int, int>> where(slots, {-1, -1});
    const auto address = [](int source) {
        base::Address made = *base::parse_address("2001:db8::");
        made.bytes[7] = static_cast<std::uint8_t>(source);
        made.bytes[15] = static_cast<std::uint8_t>(source * 3);  // not part of the /64
        return made;
    };
    std::mt19937 random(3);
    for (int step = 0; step < 50'000; ++step) {
        const auto place = static_cast<Slot>(random() % slots);
        auto& [of, source] = where[place];
        if (of < 0) {
            of = static_cast<int>(random() % 2);
            source = static_cast<int>(std::min(random() % 20, random() % 20));
            shares.push(first + place, address(source), static_cast<EvictableClass>(of));
            model[{of, source}].push_back(first + place);
        } else {
            shares.remove(first + place);
            auto& queue = model[{of, source}];
            queue.erase(std::find(queue.begin(), queue.end(), first + place));
            where[place] = {-1, -1};
        }
        const int asked_class = step % 2, asked = static_cast<int>(random() % 20);
        const auto& queue = model[{asked_class, asked}];
        const auto asked_of = static_cast<EvictableClass>(asked_class);
        REQUIRE(shares.oldest_if_heavy(address(asked), asked_of) ==
                (queue.size() >= heavy ? queue.front() : none));
        std::size_t most = 0;
        for (const auto& [key, slots_of] : model)
            if (key.first == asked_class) most = std::max(most, slots_of.size());
        const Slot heaviest = shares.oldest_of_heaviest(asked_of);
        REQUIRE((heaviest == none) == (most < heavy));
        if (heaviest == none) continue;
        const auto& owner = model[where[heaviest - first]];
        REQUIRE(owner.size() == most);
        REQUIRE(owner.front() == heaviest);
    }
}
