#include "resolvers/known_names.hpp"

#include "tests/unit/resolvers/scripted_resolver.hpp"

using namespace resolvers;

TEST_CASE("of the configuration's names what they meant last is known [K-55]") {
    KnownNames known({"a", "b", "c"});
    CHECK(known.all().empty());
    known.take({"a", false, {address_of("192.0.2.1")}});
    known.take({"a", false, {address_of("192.0.2.2"), address_of("2001:db8::1")}});
    known.take({"b", false, {}});
    known.take({"c", true, {}});
    known.take({"other", false, {address_of("192.0.2.1")}});
    CHECK(known.all() == std::map<std::string, KnownNames::Addresses>{
                             {"a", {address_of("192.0.2.2"), address_of("2001:db8::1")}}, {"b", {}}});
    SECTION("what nobody finds out stays") {
        known.take({"a", true, {}});
        CHECK(known.all().at("a").size() == 2);
    }
    SECTION("other names: those that stay are known, the others are forgotten for good") {
        known.change({"b", "other"});
        CHECK(known.all() == std::map<std::string, KnownNames::Addresses>{{"b", {}}});
        known.change({"a", "b"});
        CHECK(known.all().size() == 1);
        known.take({"a", false, {}});
        CHECK(known.all().size() == 2);
    }
}

TEST_CASE("what is private is forgotten where it may not be so any more") {
    KnownNames known({"a.lan.example", "b.example.", "c", "d.example"});
    known.take({"a.lan.example", false, {address_of("10.0.0.1")}});
    known.take({"b.example.", false, {address_of("192.0.2.1"), address_of("10.0.0.2")}});
    known.take({"c", false, {address_of("10.0.0.3")}});
    known.take({"d.example", false, {address_of("192.0.2.4")}});
    Settings settings;
    settings.search = {"lan.example"};
    const auto left = [&] {
        std::string names;
        for (const auto& [name, addresses] : known.all())
            names += name + " ";
        return names;
    };
    SECTION("everywhere") {
        settings.allow_private = true;
        known.forget_private(settings);
        CHECK(left() == "a.lan.example b.example. c d.example ");
    }
    SECTION("but for a domain, which the search list may add") {
        settings.private_domains = {"lan.example"};
        known.forget_private(settings);
        CHECK(left() == "a.lan.example c d.example ");
    }
    SECTION("nowhere") {
        known.forget_private(settings);
        CHECK(left() == "d.example ");
    }
}
