#include "libudpserver/policy/targets.hpp"

#include <array>
#include <catch2/catch.hpp>

#include "libudpserver/policy/targets.hpp"
#include "tests/unit/libudpserver/policy/policy_fixture.hpp"

using namespace policy;

namespace {

std::vector<conf::Server> servers(std::initializer_list<unsigned> weights) {
    std::vector<conf::Server> list;
    std::uint16_t port = 53;
    for (const unsigned weight : weights)
        list.push_back({{*base::parse_address("192.0.2.53"), port++}, weight});
    return list;
}

base::Address client(std::uint32_t number, base::Family family = base::Family::v4) {
    base::Address address;
    address.family = family;
    for (std::size_t i = 0; i < 4; ++i)
        address.bytes[i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
    return address;
}

constexpr std::uint32_t clients = 50'000;

}  // namespace

TEST_CASE("with one server or none there is no choice [K-35]") {
    CHECK(choose_server({}, client(1)) == 0);
    CHECK(choose_server(servers({7}), client(1)) == 0);
    CHECK(choose_server(servers({0, 0}), client(1)) == 2);
}

TEST_CASE("shares follow the weights within 2 %, for both families") {
    const auto list = servers({1, 2, 5});
    for (const auto family : {base::Family::v4, base::Family::v6}) {
        std::array<unsigned, 3> count{};
        for (std::uint32_t i = 0; i < clients; ++i)
            ++count.at(choose_server(list, client(i, family)));
        for (std::size_t i = 0; i < 3; ++i)
            CHECK(count.at(i) / double{clients} == Approx(list[i].weight / 8.0).margin(0.02));
    }
}

TEST_CASE("removing a server moves only its own clients") {
    const auto all = servers({1, 1, 1, 1});
    auto fewer = all;
    fewer.erase(fewer.begin() + 1);
    std::array<unsigned, 3> moved{};
    for (std::uint32_t i = 0; i < 5000; ++i) {
        const std::size_t before = choose_server(all, client(i)), after = choose_server(fewer, client(i));
        if (before == 1) {
            ++moved.at(after);
        } else {
            REQUIRE(fewer[after].endpoint == all[before].endpoint);
        }
    }
    for (const unsigned count : moved)
        CHECK(count > 300);  // spread over those that are left
}

TEST_CASE("a client stays with its server when the list is reordered") {
    const auto list = servers({1, 3, 2});
    const std::vector<conf::Server> reversed(list.rbegin(), list.rend());
    for (std::uint32_t i = 0; i < 1000; ++i)
        REQUIRE(list[choose_server(list, client(i))].endpoint ==
                reversed[choose_server(reversed, client(i))].endpoint);
}

TEST_CASE("the choice is the same in every process and every version") {
    const auto list = servers({1, 1, 1, 1, 1, 1, 1, 1});
    std::string choice;
    for (std::uint32_t i = 0; i < 16; ++i)
        choice += std::to_string(choose_server(list, client(i)));
    CHECK(choice == "3553047656014321");
    base::Address scoped = client(1, base::Family::v6), plain = scoped;
    scoped.scope = 3;
    CHECK(choose_server(list, scoped) == choose_server(list, plain));
}

TEST_CASE("when a name loses an address, only the clients of that address move [K-54]") {
    conf::Rule rule = rule_from({});
    rule.plug_to = {{endpoint("192.0.2.53:53"), 2, {}}, {{base::Address{}, 53}, 1, "dns.example"}};
    const conf::Config config = config_of({rule});
    Names names(config);
    Targets targets(config, names, {});
    const auto means = [&](std::initializer_list<const char*> addresses) {
        know(names, "dns.example", addresses);
        targets.update(0);
        return targets.of(0);
    };
    const auto all = means({"198.51.100.1", "198.51.100.2", "2001:db8::1"});
    const auto fewer = means({"2001:db8::1", "198.51.100.1"});
    const auto back = means({"198.51.100.2", "2001:db8::1", "198.51.100.1"});
    std::array<unsigned, 4> count{};
    for (std::uint32_t i = 0; i < 5000; ++i) {
        const auto before = all[choose_server(all, client(i))].endpoint;
        const auto after = fewer[choose_server(fewer, client(i))].endpoint;
        if (before.address() != address("198.51.100.2")) REQUIRE(after == before);
        REQUIRE(back[choose_server(back, client(i))].endpoint == before);
        ++count.at(choose_server(all, client(i)));
    }
    // Each address of the name has the weight of the entry.
    for (std::size_t i = 0; i < 4; ++i)
        CHECK(count.at(i) / 5000.0 == Approx(i == 0 ? 0.4 : 0.2).margin(0.02));
}
