#include "libudpserver/session/session_type.hpp"

#include <catch2/catch.hpp>

using namespace session;
using conf::SessionType;

namespace {

/// The same cells for both families: a server, another port of it, a neighbour and a stranger.
struct Hosts {
    const char *server, *other_port, *neighbour, *neighbour_other_port, *stranger, *stranger_other_port;
    unsigned prefix;
};
constexpr Hosts families[] = {{"192.0.2.53:53", "192.0.2.53:54", "192.0.2.9:53", "192.0.2.9:54",
                               "198.51.100.1:53", "198.51.100.1:54", 24},
                              {"[2001:db8::53]:53", "[2001:db8::53]:54", "[2001:db8::9]:53",
                               "[2001:db8::9]:54", "[2001:db8:1::1]:53", "[2001:db8:1::1]:54", 64}};

Endpoint endpoint(const char* text) {
    return *base::parse_endpoint(text);
}

struct Case {
    Record record;
    conf::Rule rule;

    Case(const Hosts& hosts, SessionType type, bool fixed = false) {
        record.type = type;
        record.server = endpoint(hosts.server);
        record.server_fixed = fixed ? 1 : 0;
        rule.type = type;
        rule.broadcast_prefix = hosts.prefix;
    }
    ReplyAction from(const char* text) const { return action_for_reply(record, rule, endpoint(text)); }
};

}  // namespace

TEST_CASE("one-way: any reply ends the session and is not forwarded [K-39][K-40]") {
    for (const Hosts& hosts : families) {
        const Case one_way(hosts, SessionType::one_way);
        CHECK(one_way.from(hosts.server) == ReplyAction::close_session);
        CHECK(one_way.from(hosts.other_port) == ReplyAction::close_session);
        CHECK(one_way.from(hosts.stranger) == ReplyAction::close_session);
    }
}

TEST_CASE("normal: exactly the server's address and port, the rest is foreign [K-39][K-41]") {
    for (const Hosts& hosts : families) {
        const Case normal(hosts, SessionType::normal);
        CHECK(normal.from(hosts.server) == ReplyAction::forward);
        CHECK(normal.from(hosts.other_port) == ReplyAction::foreign);
        CHECK(normal.from(hosts.neighbour) == ReplyAction::foreign);
        CHECK(normal.from(hosts.stranger) == ReplyAction::foreign);
    }
}

TEST_CASE("any-port: the server's address, the first reply fixes the port [K-39][K-42]") {
    for (const Hosts& hosts : families) {
        const Case first(hosts, SessionType::any_port);
        CHECK(first.from(hosts.server) == ReplyAction::fix_and_forward);
        CHECK(first.from(hosts.other_port) == ReplyAction::fix_and_forward);
        CHECK(first.from(hosts.neighbour) == ReplyAction::foreign);
        CHECK(first.from(hosts.stranger_other_port) == ReplyAction::foreign);

        Case later(hosts, SessionType::any_port, true);
        CHECK(later.from(hosts.server) == ReplyAction::forward);
        CHECK(later.from(hosts.other_port) == ReplyAction::foreign);
        CHECK(later.from(hosts.neighbour) == ReplyAction::foreign);
        later.rule.any_port_strict = false;
        CHECK(later.from(hosts.other_port) == ReplyAction::forward);
        CHECK(later.from(hosts.neighbour) == ReplyAction::foreign);
    }
}

TEST_CASE("any-sock: the first reply fixes address and port [K-39]") {
    for (const Hosts& hosts : families) {
        const Case first(hosts, SessionType::any_sock);
        CHECK(first.from(hosts.server) == ReplyAction::fix_and_forward);
        CHECK(first.from(hosts.stranger_other_port) == ReplyAction::fix_and_forward);

        const Case later(hosts, SessionType::any_sock, true);
        CHECK(later.from(hosts.server) == ReplyAction::forward);
        CHECK(later.from(hosts.other_port) == ReplyAction::foreign);
        CHECK(later.from(hosts.stranger) == ReplyAction::foreign);
    }
}

TEST_CASE(
    "broadcast: every host of the server's network from the right port, nothing is fixed [K-39][K-43]") {
    for (const Hosts& hosts : families) {
        for (const bool fixed : {false, true}) {
            const Case broadcast(hosts, SessionType::broadcast, fixed);
            CHECK(broadcast.from(hosts.server) == ReplyAction::forward);
            CHECK(broadcast.from(hosts.neighbour) == ReplyAction::forward);
            CHECK(broadcast.from(hosts.other_port) == ReplyAction::foreign);
            CHECK(broadcast.from(hosts.neighbour_other_port) == ReplyAction::foreign);
            CHECK(broadcast.from(hosts.stranger) == ReplyAction::foreign);
        }
    }
}

TEST_CASE("a source that cannot be a peer is foreign to every type but one-way [K-41][L-21]") {
    for (const Hosts& hosts : families) {
        for (const auto type :
             {SessionType::normal, SessionType::any_port, SessionType::any_sock, SessionType::broadcast}) {
            const Case any(hosts, type);
            Endpoint no_port = endpoint(hosts.server);
            no_port.port = 0;
            CHECK(action_for_reply(any.record, any.rule, no_port) == ReplyAction::foreign);
            CHECK(action_for_reply(any.record, any.rule, Endpoint{}) == ReplyAction::foreign);
            const Hosts& other = &hosts == &families[0] ? families[1] : families[0];
            CHECK(any.from(other.server) == ReplyAction::foreign);
        }
    }
}

TEST_CASE("the scope of a link-local server counts when both sides name it") {
    Record record;
    record.server = endpoint("[fe80::1]:53");
    Endpoint from = record.server;
    from.scope = 2;
    CHECK(action_for_reply(record, {}, from) == ReplyAction::forward);
    record.server.scope = 3;
    CHECK(action_for_reply(record, {}, from) == ReplyAction::foreign);
}

TEST_CASE("normal and one-way sessions use a connected socket, the others cannot [K-39]") {
    CHECK(connects(SessionType::normal));
    CHECK(connects(SessionType::one_way));
    CHECK_FALSE(connects(SessionType::any_port));
    CHECK_FALSE(connects(SessionType::any_sock));
    CHECK_FALSE(connects(SessionType::broadcast));
}
