#include "resolvers/name_snapshot.hpp"

#include "tests/unit/resolvers/scripted_resolver.hpp"

using namespace resolvers;

TEST_CASE("the snapshot has the last addresses of the configured names [K-55]") {
    NameSnapshot snapshot({"a", "b", "c"});
    CHECK(snapshot.resolved().empty());
    snapshot.apply({"a", false, {address_of("192.0.2.1")}});
    snapshot.apply({"a", false, {address_of("192.0.2.2"), address_of("2001:db8::1")}});
    snapshot.apply({"b", false, {}});
    snapshot.apply({"c", true, {}});
    snapshot.apply({"other", false, {address_of("192.0.2.1")}});
    CHECK(snapshot.resolved() == std::map<std::string, NameSnapshot::Addresses>{
                                     {"a", {address_of("192.0.2.2"), address_of("2001:db8::1")}}, {"b", {}}});
    SECTION("a failed look-up keeps the addresses") {
        snapshot.apply({"a", true, {}});
        CHECK(snapshot.resolved().at("a").size() == 2);
    }
    SECTION("names that remain keep their addresses, the others are forgotten") {
        CHECK_FALSE(snapshot.set_names({"a", "b", "c"}));
        CHECK(snapshot.set_names({"b", "other"}));
        CHECK(snapshot.resolved() == std::map<std::string, NameSnapshot::Addresses>{{"b", {}}});
        CHECK(snapshot.set_names({"a", "b"}));
        CHECK(snapshot.resolved().size() == 1);
        snapshot.apply({"a", false, {}});
        CHECK(snapshot.resolved().size() == 2);
    }
}

TEST_CASE("private addresses that the settings no longer allow are forgotten") {
    NameSnapshot snapshot({"a.lan.example", "b.example.", "c", "d.example"});
    snapshot.apply({"a.lan.example", false, {address_of("10.0.0.1")}});
    snapshot.apply({"b.example.", false, {address_of("192.0.2.1"), address_of("10.0.0.2")}});
    snapshot.apply({"c", false, {address_of("10.0.0.3")}});
    snapshot.apply({"d.example", false, {address_of("192.0.2.4")}});
    conf::Resolver settings;
    settings.search = std::vector<std::string>{"lan.example"};
    const auto left = [&] {
        std::string names;
        for (const auto& [name, addresses] : snapshot.resolved())
            names += name + " ";
        return names;
    };
    SECTION("everywhere") {
        settings.allow_private = true;
        snapshot.forget_private(settings);
        CHECK(left() == "a.lan.example b.example. c d.example ");
    }
    SECTION("but for a domain, which the search list may add") {
        settings.private_domains = {"lan.example"};
        snapshot.forget_private(settings);
        CHECK(left() == "a.lan.example c d.example ");
    }
    SECTION("nowhere") {
        snapshot.forget_private(settings);
        CHECK(left() == "d.example ");
    }
}
