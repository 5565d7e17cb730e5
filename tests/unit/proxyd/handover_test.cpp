#include "proxyd/handover.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <stdexcept>

#include "base/unique_fd.hpp"

using Catch::Matchers::Contains;
using proxyd::Handover;

namespace {

Handover full() {
    Handover handover{.version = "0.1.0",
                      .file = "/etc/proxyd/a b.yaml",
                      .config = "name: x\n\nlisten-on: []\nconfig\n",
                      .epoch = 7,
                      .started = base::Instant(base::Duration(123456)),
                      .upgrades = 3,
                      .log_level = 6,
                      .workers = 2,
                      .steering_seed = 0xfedcba98,
                      .listeners = {{*base::parse_endpoint("127.0.0.1:53"), {10, 11}},
                                    {*base::parse_endpoint("[::1]:0"), {12, 13, 14}}},
                      .pool_capacity = 3024,
                      .groups = {},
                      .filter = 31,
                      .sockets = {{40, 0, 0}, {41, 1, 1}},
                      .arena = Handover::Arena{30, 1000, 3024},
                      .names = {{"gone.example.com", {}},
                                {"www.example.com",
                                 {*base::parse_address("192.0.2.1"), *base::parse_address("2001:db8::1")}}},
                      .pid_file = {20, 0, 0},
                      .control = {-1, 9, 18446744073709551615ull}};
    handover.groups = {
        {base::Family::v4, base::Address::any(base::Family::v4), std::nullopt},
        {base::Family::v6, *base::parse_address("2001:db8::1"), conf::PortRange{20000, 29999}}};
    handover.groups[1].optional = handover.groups[0].several_senders = true;
    return handover;
}

std::string refusal(const std::string& text) {
    try {
        proxyd::parse_handover(text);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "none";
}

std::string without(std::string text, const std::string& part, const std::string& other = "") {
    const std::size_t at = text.find(part);
    REQUIRE(at != std::string::npos);
    return text.replace(at, part.size(), other);
}

bool closed_on_exec(int descriptor) {
    return (::fcntl(descriptor, F_GETFD) & FD_CLOEXEC) != 0;
}

}  // namespace

TEST_CASE("what is handed over arrives as it was") {
    const Handover left = full();
    const Handover got = proxyd::parse_handover(proxyd::to_text(left));
    CHECK(proxyd::to_text(got) == proxyd::to_text(left));
    CHECK(got.file == left.file);
    CHECK(got.config == left.config);
    CHECK(got.started == left.started);
    CHECK(got.steering_seed == left.steering_seed);
    REQUIRE(got.listeners.size() == 2);
    CHECK(got.listeners[1].configured == left.listeners[1].configured);
    CHECK(got.listeners[1].sockets == std::vector<int>{12, 13, 14});
    REQUIRE(got.arena);
    CHECK(got.groups == left.groups);
    CHECK(got.groups[1].optional);
    CHECK(got.sockets[1].worker == 1);
    CHECK(got.names == left.names);
    CHECK(got.control.inode == left.control.inode);
    CHECK(got.descriptors() == std::vector<int>{10, 11, 12, 13, 14, 40, 41, 30, 31, 20});
}

TEST_CASE("without sessions the sockets arrive all the same") {
    Handover left = full();
    left.arena.reset();
    const Handover got = proxyd::parse_handover(proxyd::to_text(left));
    CHECK_FALSE(got.arena);
    CHECK(got.sockets.size() == 2);
}

TEST_CASE("an invalid handover is refused with the line") {
    const std::string good = proxyd::to_text(full());
    CHECK_THAT(refusal(""), Contains("invalid line"));
    CHECK_THAT(refusal("hello\n"), Contains("hello"));
    CHECK_THAT(refusal(without(good, "proxyd-handover 5\n")), Contains("version 0.1.0"));
    CHECK_THAT(refusal(without(good, "proxyd-handover 5", "proxyd-handover 6")),
               Contains("proxyd-handover 6"));
    CHECK_THAT(refusal(without(good, "epoch 7", "epoch")), Contains("epoch"));
    CHECK_THAT(refusal(without(good, "epoch 7", "epoch 7 8")), Contains("epoch 7 8"));
    CHECK_THAT(refusal(without(good, "epoch 7", "epoch x")), Contains("epoch x"));
    CHECK_THAT(refusal(without(good, "epoch 7", "epochs 7")), Contains("epochs 7"));
    CHECK_THAT(refusal(without(good, "epoch 7", "epoch 99999999999")), Contains("epoch"));
    CHECK_THAT(refusal(without(good, "127.0.0.1:53 10 11", "127.0.0.1:53 10")), Contains("listener"));
    CHECK_THAT(refusal(without(good, "127.0.0.1:53", "localhost")), Contains("localhost"));
    CHECK_THAT(refusal(without(good, "20000-29999", "20000")), Contains("group"));
    CHECK_THAT(refusal(without(good, "socket 41 1 1", "socket 41 2 1")), Contains("socket"));
    CHECK_THAT(refusal(without(good, "socket 41 1 1", "socket 41 1 2")), Contains("socket"));
    CHECK_THAT(refusal(without(good, "workers 2", "workers 0")), Contains("invalid line"));
    CHECK_THAT(refusal("proxyd-handover 5\nconfig\n"), Contains("config"));
    CHECK_THAT(refusal(good.substr(0, good.find("config"))), Contains("truncated"));
}

TEST_CASE("every beginning of a handover is refused or understood, never more") {
    const std::string good = proxyd::to_text(full());
    for (std::size_t length = 0; length < good.size(); ++length)
        static_cast<void>(refusal(good.substr(0, length)));
    std::string text = good;
    std::uint32_t seed = 1;
    for (int round = 0; round < 2000; ++round) {
        seed = seed * 1664525 + 1013904223;
        text[seed % text.size()] = static_cast<char>(seed >> 24);
        static_cast<void>(refusal(text));
    }
}

TEST_CASE("descriptors survive an exec between leaving and receiving, and no other") {
    const base::UniqueFd kept(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    Handover handover = full();
    handover.sockets.clear();
    handover.arena.reset();
    handover.filter = -1;
    handover.workers = 1;
    handover.listeners = {{*base::parse_endpoint("127.0.0.1:53"), {kept.get()}}};
    handover.pid_file.descriptor = -1;
    CHECK_FALSE(proxyd::receive_handover());
    SECTION("received") {
        proxyd::leave_handover(handover);
        CHECK_FALSE(closed_on_exec(kept.get()));
        const auto got = proxyd::receive_handover();
        REQUIRE(got);
        CHECK(got->config == handover.config);
        CHECK(closed_on_exec(kept.get()));
        CHECK_FALSE(proxyd::receive_handover());
    }
    SECTION("taken back") {
        proxyd::leave_handover(handover);
        proxyd::take_handover_back(handover);
        CHECK(closed_on_exec(kept.get()));
        CHECK_FALSE(proxyd::receive_handover());
    }
    SECTION("a descriptor that is none") {
        handover.pid_file.descriptor = 1'000'000;
        CHECK_THROWS(proxyd::leave_handover(handover));
        CHECK(closed_on_exec(kept.get()));
        CHECK_FALSE(proxyd::receive_handover());
    }
}

TEST_CASE("a variable that names no handover") {
    for (const char* value : {"", "x", "-1", "1x", "999999"}) {
        ::setenv("PROXYD_HANDOVER", value, 1);
        CHECK_THROWS_AS(proxyd::receive_handover(), std::runtime_error);
    }
    ::unsetenv("PROXYD_HANDOVER");
}
