#include "proxyctl/server_trust.hpp"

#include <catch2/catch.hpp>

using Catch::Matchers::Contains;
using proxyctl::SocketFacts;

namespace {

constexpr uid_t me = 1000, other = 1001;

std::string objection(uid_t server, SocketFacts facts = {}) {
    facts.server = server;
    if (facts.folder.empty()) facts.folder = "/run/proxyd";
    if (facts.folder_mode == 0) facts.folder_mode = 0755;
    return objection_to(facts);
}

}  // namespace

TEST_CASE("proxyctl uses a socket of root or of its own user only [G-8]") {
    CHECK(objection(0, {.own = me}) == "");
    CHECK(objection(0, {.own = 0}) == "");
    CHECK(objection(me, {.own = me}) == "");
    CHECK(objection(other, {.own = me}) ==
          "served by uid 1001, which is neither root nor you; to use it, run proxyctl as that user");
    CHECK_THAT(objection(other, {.own = 0}), Contains("served by uid 1001"));
}

TEST_CASE("a proxy that runs as another user is known by its folder in /run [G-8]") {
    CHECK(objection(other, {.own = 0, .folder = "/run/proxyd", .folder_owner = other}) == "");
    for (const char* folder : {"/tmp/proxyd", "/run/user/1001", "/srv/other", "/run", "/"})
        CHECK_THAT(objection(other, {.own = 0, .folder = folder, .folder_owner = other}),
                   Contains("served by"));
}

TEST_CASE("a socket that other users may replace is not used [G-8]") {
    CHECK_THAT(objection(0, {.own = me, .folder_mode = 0777}),
               Contains("other users may replace files in /run/proxyd"));
    CHECK_THAT(objection(0, {.own = me, .folder_group = 50, .folder_mode = 0775}), Contains("may replace"));
    CHECK_THAT(objection(0, {.own = me, .folder_owner = other}), Contains("move the socket"));
    CHECK(objection(0, {.own = me, .folder_group = 0, .folder_mode = 0775}) == "");
    CHECK(objection(0, {.own = me, .folder_mode = 01777}) == "");
    CHECK(objection(me, {.own = me, .folder_owner = me, .folder_mode = 0700}) == "");
}
