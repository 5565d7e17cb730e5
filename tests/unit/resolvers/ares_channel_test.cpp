#include "resolvers/ares_channel.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <vector>

using namespace resolvers;

TEST_CASE("channels of c-ares are used again, the one that has rested longest first") {
    AresChannels channels;
    auto first = channels.take(Transport::udp), second = channels.take(Transport::udp);
    const AresChannel *const one = first.get(), *const other = second.get();
    CHECK(one != other);
    channels.keep(Transport::udp, std::move(first));
    channels.keep(Transport::udp, std::move(second));
    CHECK(channels.kept(Transport::udp) == 2);
    auto by_tcp = channels.take(Transport::tcp);
    CHECK(channels.kept(Transport::udp) == 2);
    CHECK(channels.take(Transport::udp).get() == one);
    CHECK(channels.take(Transport::udp).get() == other);
}

TEST_CASE("so many channels are kept at most") {
    AresChannels channels;
    std::vector<std::unique_ptr<AresChannel>> all;
    for (std::size_t i = 0; i < AresChannels::most_kept + 2; ++i)
        all.push_back(channels.take(Transport::tcp));
    for (auto& channel : all)
        channels.keep(Transport::tcp, std::move(channel));
    CHECK(channels.kept(Transport::tcp) == AresChannels::most_kept);
    CHECK(channels.kept(Transport::udp) == 0);
}
