#include "bench/packet_load/options.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "bench/argument.hpp"

namespace {

packet::Options parse(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "packet-load");
    std::vector<char*> pointers;
    for (auto& argument : arguments)
        pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    return packet::parse_options(static_cast<int>(arguments.size()), pointers.data());
}

packet::Options parse_with(const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"--interface", "c0",          "--gateway", "02:00:00:00:00:0a",
                                       "--from",      "10.1.2.3/16", "--to",      "192.0.2.1:53"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return parse(arguments);
}

}  // namespace

TEST_CASE("addresses, networks and hardware addresses are read") {
    const auto options = parse_with({"--flows", "0", "--one-way", "--wait"});
    CHECK(options.gateway == packet::Mac{2, 0, 0, 0, 0, 10});
    CHECK(options.network == 0x0a010000);
    CHECK(options.prefix == 16);
    CHECK(options.to_address == 0xc0000201);
    CHECK(options.to_port == 53);
    CHECK(options.flows == 0);
    CHECK(options.one_way);
    CHECK(options.wait);
}

TEST_CASE("an incomplete command line is refused") {
    CHECK_THROWS_AS(parse({}), bench::UsageError);
    CHECK_THROWS_AS(parse({"--interface", "c0", "--from", "10.0.0.0/8"}), bench::UsageError);
    CHECK_THROWS_AS(parse_with({"more"}), bench::UsageError);
}

TEST_CASE("values that make no sense are refused") {
    const std::vector<std::vector<std::string>> bad{
        {"--gateway", "02:00"},   {"--gateway", "02:00:00:00:00:01:02"},
        {"--to", "192.0.2.1"},    {"--to", "[::1]:53"},
        {"--from", "10.0.0.0"},   {"--from", "10.0.0.0/31"},
        {"--from", "::1/64"},     {"--size", "31"},
        {"--size", "1473"},       {"--train", "0"},
        {"--train", "65"},        {"--rate", "x"},
        {"--addresses", "70000"}, {"--flows", "0", "--rate", "0"}};
    for (const auto& arguments : bad) {
        CAPTURE(arguments);
        CHECK_THROWS_AS(parse_with(arguments), bench::UsageError);
    }
}

TEST_CASE("there are not more flows than addresses and ports") {
    CHECK(parse_with({"--addresses", "1", "--flows", "64000"}).flows == 64'000);
    CHECK_THROWS_AS(parse_with({"--addresses", "1", "--flows", "64001"}), bench::UsageError);
    CHECK_THROWS_AS(parse_with({"--addresses", "1", "--flows", "0", "--count", "64001"}), bench::UsageError);
}
