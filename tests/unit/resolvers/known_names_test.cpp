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
