#include "resolvers/name_servers.hpp"

#include <catch2/catch.hpp>
#include <vector>

using namespace resolvers;
using namespace std::chrono_literals;
using conf::Transport;

namespace {

conf::Resolver three_servers() {
    conf::Resolver settings;
    for (const char* text : {"192.0.2.1:53", "192.0.2.2:53", "192.0.2.3:53"})
        settings.servers.push_back(base::parse_endpoint(text).value());
    return settings;
}

}  // namespace

TEST_CASE("servers that failed come last for a while [K-62]") {
    using Order = std::vector<std::size_t>;
    boost::asio::io_context io;
    const conf::Resolver settings = three_servers();
    NameServers servers(io, settings);
    const base::Instant start{1h};
    CHECK(servers.order(start) == Order{0, 1, 2});
    servers.failed(0, start);
    CHECK(servers.order(start) == Order{1, 2, 0});
    servers.failed(1, start + 5s);
    CHECK(servers.order(start + 5s) == Order{2, 0, 1});
    CHECK(servers.order(start + 10s) == Order{0, 2, 1});
    servers.answered(1);
    CHECK(servers.order(start + 10s) == Order{0, 1, 2});
}

TEST_CASE("channels of c-ares are used again, the one that was idle longest first") {
    boost::asio::io_context io;
    const conf::Resolver settings;
    NameServers servers(io, settings);
    auto first = servers.take(Transport::udp), second = servers.take(Transport::udp);
    const AresExchange *const one = first.get(), *const other = second.get();
    CHECK(one != other);
    first.reset();
    second.reset();
    CHECK(servers.idle(Transport::udp) == 2);
    auto by_tcp = servers.take(Transport::tcp);
    CHECK(servers.idle(Transport::udp) == 2);
    CHECK(servers.take(Transport::udp).get() == one);
    CHECK(servers.take(Transport::udp).get() == other);
}

TEST_CASE("the number of idle channels is limited") {
    boost::asio::io_context io;
    const conf::Resolver settings;
    NameServers servers(io, settings);
    std::vector<NameServers::Exchange> all;
    for (std::size_t i = 0; i < NameServers::max_idle + 2; ++i)
        all.push_back(servers.take(Transport::tcp));
    all.clear();
    CHECK(servers.idle(Transport::tcp) == NameServers::max_idle);
    CHECK(servers.idle(Transport::udp) == 0);
}
