#include "libudpserver/policy/host_list.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

using namespace policy;
using conf::HostItem;

namespace {

HostItem range(const char* first, const char* last) {
    HostItem item;
    item.kind = HostItem::Kind::range;
    item.first = *base::parse_address(first);
    item.last = *base::parse_address(last);
    return item;
}

HostItem one(const char* address) {
    return range(address, address);
}

HostItem mask(const char* value, const char* bits) {
    HostItem item;
    item.kind = HostItem::Kind::mask;
    item.value = *base::parse_address(value);
    item.mask = *base::parse_address(bits);
    return item;
}

HostItem list(std::size_t index) {
    HostItem item;
    item.kind = HostItem::Kind::list;
    item.list = index;
    return item;
}

HostItem negated(HostItem item) {
    item.negated = true;
    return item;
}

const Names no_names{conf::Config{}};

HostList matcher_of(const conf::HostItems& items, const std::vector<conf::NamedList>& lists = {}) {
    return HostList(items, lists, no_names);
}

/// Without names there is nothing that could be undecided.
bool matches(const HostList& matcher, const base::Address& address) {
    const Match match = matcher.match({address});
    CHECK_FALSE(undecided(match));
    return match == Match::yes;
}

bool matches(const conf::HostItems& items, const char* address,
             const std::vector<conf::NamedList>& lists = {}) {
    return matches(matcher_of(items, lists), *base::parse_address(address));
}

}  // namespace

TEST_CASE("an empty list matches all addresses, but not the absence of one [K-34]") {
    CHECK(matches({}, "192.0.2.1"));
    CHECK(matches({}, "2001:db8::1"));
    CHECK_FALSE(matches(matcher_of({}), base::Address{}));
    CHECK_FALSE(matches(matcher_of({HostItem{}}), base::Address{}));
}

TEST_CASE("ranges are inclusive at both ends, and of one family [K-34]") {
    const conf::HostItems items{range("10.0.0.5", "10.0.0.9"), range("2001:db8::", "2001:db8::ffff")};
    CHECK_FALSE(matches(items, "10.0.0.4"));
    CHECK(matches(items, "10.0.0.5"));
    CHECK(matches(items, "10.0.0.9"));
    CHECK_FALSE(matches(items, "10.0.0.10"));
    CHECK(matches(items, "2001:db8::ffff"));
    CHECK_FALSE(matches(items, "2001:db8::1:0"));
    // The same leading bytes in the other family.
    CHECK_FALSE(matches({range("0.0.0.0", "255.255.255.255")}, "::1"));
    CHECK_FALSE(matches({range("::", "ffff::")}, "10.0.0.1"));
}

TEST_CASE("a star matches both families [K-34]") {
    CHECK(matches({HostItem{}}, "192.0.2.1"));
    CHECK(matches({HostItem{}}, "2001:db8::1"));
    CHECK_FALSE(matches({negated(HostItem{})}, "192.0.2.1"));
}

TEST_CASE("masks may have gaps [K-34]") {
    const conf::HostItems items{mask("10.0.0.1", "255.0.0.255"), mask("2001:db8::1", "ffff:ffff::ffff")};
    CHECK(matches(items, "10.20.30.1"));
    CHECK_FALSE(matches(items, "10.20.30.2"));
    CHECK_FALSE(matches(items, "11.20.30.1"));
    CHECK(matches(items, "2001:db8:7::1"));
    CHECK_FALSE(matches(items, "2001:db8:7::2"));
}

TEST_CASE("a negated item excludes, and without positive ones the rest is in [K-34]") {
    const conf::HostItems both{range("10.0.0.0", "10.255.255.255"),
                               negated(range("10.9.0.0", "10.9.255.255"))};
    CHECK(matches(both, "10.8.0.1"));
    CHECK_FALSE(matches(both, "10.9.0.1"));
    CHECK_FALSE(matches(both, "192.0.2.1"));
    CHECK(matches({both[1]}, "192.0.2.1"));
    CHECK_FALSE(matches({both[1]}, "10.9.0.1"));
    // The order of the items does not matter.
    CHECK_FALSE(matches({both[1], both[0]}, "10.9.0.1"));
}

TEST_CASE("a negative nested list excludes but does not include its own exclusions [K-34]") {
    const std::vector<conf::NamedList> lists{
        {"lan", {range("10.0.0.0", "10.255.255.255"), negated(range("10.9.0.0", "10.9.255.255"))}},
        {"sites", {list(0), one("192.0.2.1")}}};
    CHECK(matches({list(0)}, "10.1.0.1", lists));
    CHECK_FALSE(matches({list(0)}, "10.9.0.1", lists));
    CHECK(matches({list(1)}, "10.1.0.1", lists));
    CHECK(matches({list(1)}, "192.0.2.1", lists));
    CHECK_FALSE(matches({list(1)}, "10.9.0.1", lists));

    const conf::HostItems some_without_lan{range("10.0.0.0", "10.8.255.255"), negated(list(0))};
    CHECK_FALSE(matches(some_without_lan, "10.1.0.1", lists));
    CHECK_FALSE(matches(some_without_lan, "10.9.0.1", lists));
    CHECK(matches({negated(list(0))}, "10.9.0.1", lists));
}

TEST_CASE("an empty nested list matches no address, so that @nobody does not accept every client [K-34]") {
    const std::vector<conf::NamedList> lists{{"nobody", {}}};
    CHECK_FALSE(matches({list(0)}, "192.0.2.1", lists));
    CHECK(matches({negated(list(0))}, "192.0.2.1", lists));
}

TEST_CASE("a list that contains itself or does not exist is rejected [K-34]") {
    const std::vector<conf::NamedList> cycle{{"a", {list(1)}}, {"b", {list(0)}}};
    CHECK_THROWS_AS(matcher_of({list(0)}, cycle), std::invalid_argument);
    CHECK_THROWS_AS(matcher_of({list(2)}, cycle), std::invalid_argument);
}

TEST_CASE("a list that is used many times is compiled once") {
    // Without sharing this would be 2^40 lists.
    std::vector<conf::NamedList> lists{{"0", {one("192.0.2.1")}}};
    for (std::size_t i = 1; i <= 40; ++i)
        lists.push_back({std::to_string(i), {list(i - 1), list(i - 1)}});
    const HostList matcher = matcher_of({list(40)}, lists);
    CHECK(matches(matcher, *base::parse_address("192.0.2.1")));
}

TEST_CASE("a link-local range belongs to one interface [M-29]") {
    HostItem item = one("fe80::1");
    item.first.scope = item.last.scope = 2;
    base::Address address = *base::parse_address("fe80::1");
    const HostList scoped = matcher_of({item}), plain = matcher_of({one("fe80::1")});
    for (const std::uint32_t scope : {1u, 2u}) {
        address.scope = scope;
        CHECK(matches(scoped, address) == (scope == 2));
        CHECK(matches(plain, address));
    }
}

TEST_CASE("merged ranges agree with the plain list") {
    std::mt19937 random(5);
    for (int round = 0; round < 50; ++round) {
        conf::HostItems items;
        for (int i = 0; i < 20; ++i) {
            HostItem item = range("10.0.0.0", "10.0.0.0");
            item.first.bytes[3] = static_cast<std::uint8_t>(random() % 250);
            item.last.bytes[3] = static_cast<std::uint8_t>(item.first.bytes[3] + random() % 6);
            items.push_back(item);
        }
        const HostList matcher = matcher_of(items);
        for (unsigned last = 0; last < 256; ++last) {
            base::Address address = *base::parse_address("10.0.0.0");
            address.bytes[3] = static_cast<std::uint8_t>(last);
            const bool expected = std::any_of(items.begin(), items.end(), [&](const HostItem& item) {
                return item.first.bytes[3] <= last && last <= item.last.bytes[3];
            });
            REQUIRE(matches(matcher, address) == expected);
        }
    }
}
