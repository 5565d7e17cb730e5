#include "bench/packet_load/verifier.hpp"

#include <catch2/catch.hpp>
#include <vector>

namespace {

constexpr std::uint64_t nonce = 42;

packet::Options options() {
    packet::Options options;
    options.network = 0x0a010000;
    options.prefix = 16;
    options.addresses = 4;
    options.to_address = 0xac1f0101;
    options.to_port = 5000;
    options.flows = 8;
    options.size = 50;
    return options;
}

/// A verifier and what comes back to it.
struct Echo {
    packet::Result result;
    packet::Verifier verifier{options(), nonce, result};
    packet::Flows flows{options()};

    std::vector<std::byte> send(std::uint32_t flow, std::uint64_t due) {
        std::vector<std::byte> payload(options().size);
        verifier.write_next(flow, due, payload);
        return payload;
    }

    void reply(std::uint32_t flow, const std::vector<std::byte>& payload, std::uint64_t now) {
        const auto path = flows.path(flow);
        verifier.judge({{path.to, path.from, path.to_port, path.from_port}, payload}, now);
    }
};

}  // namespace

TEST_CASE("a reply counts once, with the time since it was due") {
    Echo echo;
    echo.verifier.begin_measuring(1000);
    const auto payload = echo.send(3, 1000);
    echo.reply(3, payload, 1050);
    echo.reply(3, payload, 1060);
    CHECK(echo.result.sent == 1);
    CHECK(echo.result.received == 1);
    CHECK(echo.result.duplicates == 1);
    CHECK(echo.result.latency.highest() == 50);
}

TEST_CASE("a reply for another client, of another run or to no client is misdelivered") {
    Echo echo, other;
    const auto payload = echo.send(3, 0);
    echo.reply(4, payload, 1);  // the same address sends from this port, too
    echo.reply(7, payload, 1);
    const auto path = echo.flows.path(3);
    echo.verifier.judge({{path.to, path.from, 5001, path.from_port}, payload}, 1);
    echo.verifier.judge({{path.to, 0x0a0100ff, 5000, path.from_port}, payload}, 1);
    auto foreign = payload;
    foreign[8] ^= std::byte{1};
    echo.reply(3, foreign, 1);
    CHECK(echo.result.misdelivered == 5);
    CHECK(echo.result.received == 0);
    echo.reply(3, payload, 1);
    CHECK(echo.result.received == 1);
}

TEST_CASE("changed, shortened and never sent payloads are corrupt") {
    Echo echo;
    const auto payload = echo.send(3, 0);
    for (std::size_t at : {std::size_t{0}, std::size_t{32}, std::size_t{49}}) {
        auto changed = payload;
        changed[at] ^= std::byte{1};
        echo.reply(3, changed, 1);
    }
    auto shorter = payload;
    shorter.pop_back();
    echo.reply(3, shorter, 1);
    auto never_sent = payload;
    never_sent[16] = std::byte{1};
    echo.reply(3, never_sent, 1);
    CHECK(echo.result.corrupt == 5);
    CHECK(echo.result.misdelivered == 0);
}

TEST_CASE("datagrams to another network are another generator's") {
    Echo echo;
    const auto path = echo.flows.path(3);
    echo.verifier.judge({{path.to, 0x0a020001, 5000, path.from_port}, echo.send(3, 0)}, 1);
    CHECK(echo.result.misdelivered == 0);
    CHECK(echo.result.received == 0);
}

TEST_CASE("a reply to a datagram of the warm-up is late") {
    Echo echo;
    const auto early = echo.send(1, 500);
    echo.verifier.begin_measuring(1000);
    const auto measured = echo.send(1, 1000);
    echo.reply(1, early, 1001);
    echo.reply(1, measured, 1001);
    CHECK(echo.result.late == 1);
    CHECK(echo.result.received == 1);
    CHECK(echo.result.sent == 1);
}

TEST_CASE("new flows may appear at any time") {
    Echo echo;
    const auto payload = echo.send(1000, 0);
    echo.reply(1000, payload, 1);
    CHECK(echo.result.received == 1);
}
