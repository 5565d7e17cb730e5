#include <catch2/catch.hpp>

#include "tests/unit/conf/text_config.hpp"

namespace {

constexpr const char* accept_rule = "action: accept, plug-to: '192.0.2.1:53', ";

std::string warnings_of(const std::string& keys) {
    const auto result = load_rule(accept_rule + keys);
    CHECK(lines(result.errors) == "");
    return lines(result.warnings);
}

}  // namespace

TEST_CASE("ports that the kernel gives away itself are warned about [K-27]") {
    TextConfig text;
    text.listen_on = "listen-on: [{address: 127.0.0.1, port: 32767-32768}]";
    const auto result = load(text);
    CHECK(result.ok());
    CHECK(lines(result.warnings)
              .starts_with("t.yaml:3:40: listen-on[1].port: overlaps the kernel's ephemeral ports "
                           "32768-60999"));
    text.listen_on = "listen-on: [{address: 127.0.0.1, port: 32767}]";
    CHECK(lines(load(text).warnings) == "");
    CHECK(warnings_of("source-port: 20000-32768").find("source-port: overlaps") != std::string::npos);
    CHECK(warnings_of("source-port: 61000-61999") == "");
}

TEST_CASE("source ports of which a part is reserved are warned about; all of them is right [S-3]") {
    TextConfig text;
    text.listen_on = "listen-on: [{address: 127.0.0.1, port: 53}]";
    text.session_acl =
        "session-acl:\n  - {action: accept, plug-to: '192.0.2.1:53', source-port: 10000-10099}";
    const auto warnings = [&](std::vector<conf::PortRange> reserved) {
        const conf::System system{{10050, 20000}, 1, {}, std::move(reserved)};
        return lines(conf::load_text(text.str(), "t", {"udp"}, system).warnings);
    };
    CHECK_THAT(warnings({{10000, 10019}}), Catch::Contains("20 of its ports are in net.ipv4"));
    CHECK_THAT(warnings({{10000, 10019}}), Catch::Contains("overlaps the kernel's ephemeral ports"));
    CHECK(warnings({{9000, 10060}, {10061, 11000}}) == "");
}

TEST_CASE("the ephemeral range is the machine's, not a constant [K-27]") {
    TextConfig text;
    text.listen_on = "listen-on: [{address: 127.0.0.1, port: 15000}]";
    CHECK(conf::load_text(text.str(), "t", {"udp"}, {{10000, 20000}, 1}).warnings.size() == 1);
    const conf::System system = conf::System::read();
    CHECK(system.processors >= 1);
    CHECK(system.ephemeral.first <= system.ephemeral.last);
}

TEST_CASE("a status file beside the control socket or the pid file is warned about [Z-4]") {
    TextConfig text;
    const auto warnings = [&](const std::string& keys) {
        text.head = "name: t\nstatus-file: {path: /run/p/status}\n" + keys;
        return lines(load(text).warnings);
    };
    CHECK(warnings("control: {socket: /run/p/control}")
              .find("is in the same directory as control.socket (/run/p/control), which LOG") !=
          std::string::npos);
    CHECK(warnings("pid-file: /run/p/pid")
              .find("is in the same directory as pid-file (/run/p/pid), which LOG") != std::string::npos);
    CHECK(warnings("pid-file: /run/p/../p//pid").find("same directory as pid-file") != std::string::npos);
    CHECK(warnings("control: {socket: /run/p/x/control}\npid-file: /run/pid") == "");
}

TEST_CASE("no key may name the configuration itself") {
    TextConfig text;
    text.head = "name: t\nlog: {to: /etc/x/../proxyd.yaml}";
    const auto result = conf::load_text(text.str(), "/etc/proxyd.yaml", {"udp"}, {{32768, 60999}, 1});
    REQUIRE(result.errors.size() == 1);
    CHECK(conf::to_string(result.errors[0], "f") == "f:2:11: log.to: is this configuration file");
}

TEST_CASE("a rule behind one that matches every client is warned about") {
    TextConfig text;
    const auto warnings = [&](const std::string& first) {
        text.session_acl =
            "session-acl:\n  - {name: first, " + first + ", plug-to: '192.0.2.1:53'}\n  - {action: deny}";
        return lines(load(text).warnings);
    };
    const std::string expected =
        "t.yaml:6:5: session-acl[2]: this rule is unreachable: first (line 5) matches every client\n";
    CHECK(warnings("action: accept") == expected);
    CHECK(warnings("action: accept, from: '*'") == expected);
    CHECK(warnings("action: accept, from: ['*', '!10.0.0.1']") == "");
    CHECK(warnings("action: accept, from: 10.0.0.0/8") == "");
    CHECK(warnings("action: accept, to: '127.0.0.1:5300'") == "");
    CHECK(warnings("action: accept, time: Mon") == "");
    CHECK(warnings("action: accept, dscp: {match: 46}") == "");
}

TEST_CASE("unconfirmed has no effect unless idle is longer [B-1]") {
    const std::string warning = "limits.unconfirmed: has no effect because limits.idle is not longer";
    CHECK(warnings_of("limits: {unconfirmed: 60s, idle: 60s}").find(warning) != std::string::npos);
    CHECK(warnings_of("limits: {unconfirmed: 10m}").find(warning) != std::string::npos);
    CHECK(warnings_of("limits: {unconfirmed: 59s, idle: 60s}") == "");
    CHECK(warnings_of("limits: {unconfirmed: 60s, idle: 0s, lifetime: 1h}") == "");
    CHECK(warnings_of("limits: {unconfirmed: 0s, idle: 60s}") == "");
    CHECK(warnings_of("limits: {idle: 10s}") == "");  // only the default of unconfirmed is longer
}

TEST_CASE("a reload by SIGHUP has no effect in a single process") {
    TextConfig text;
    const std::string head = text.head;
    const auto warnings = [&](const std::string& keys) {
        text.head = head + "\n" + keys;
        return lines(load(text).warnings);
    };
    CHECK(warnings("singleproc: true\nsignals: {hup: reload}") ==
          "t.yaml:3:16: signals.hup: has no effect with singleproc: SIGHUP shuts a single process down "
          "(remove one of the two)\n");
    CHECK(warnings("singleproc: true\nsignals: {hup: shutdown}") == "");
    CHECK(warnings("signals: {hup: reload}") == "");
}

TEST_CASE("keys without effect are warned about") {
    CHECK(lines(load_rule("action: deny, plug-to: '192.0.2.1:53'").warnings).find("plug-to: has no effect") !=
          std::string::npos);
    for (const std::string key :
         {"limits: {idle: 5m}", "udp-session-type: one-way", "source-port: 20000-20001",
          "source-address: 192.0.2.9", "on-icmp-error: ignore"})
        CHECK(lines(load_rule("action: deny, " + key).warnings).find("has no effect in a rule that denies") !=
              std::string::npos);
    CHECK(warnings_of("limits: {idle: 5m, lifetime: 5m}").find("limits.idle: has no effect because") !=
          std::string::npos);
    CHECK(warnings_of("limits: {unanswered: 2m, lifetime: 1m}").find("limits.unanswered: has no effect") !=
          std::string::npos);
    CHECK(warnings_of("limits: {idle: 5m, lifetime: 6m}") == "");
    CHECK(warnings_of("limits: {lifetime: 1s}") == "");  // only the default of idle is longer
    CHECK(warnings_of("any-port-strict: false").find("has no effect unless") != std::string::npos);
    CHECK(warnings_of("any-port-strict: false, udp-session-type: any-port") == "");
    CHECK(warnings_of("broadcast-prefix: 16").find("has no effect unless") != std::string::npos);
    for (const std::string limit : {"unanswered: 5m", "server-datagrams: 1", "server-bytes: 1kB"}) {
        CHECK(warnings_of("udp-session-type: one-way, limits: {" + limit + "}")
                  .find("has no effect in a one-way rule") != std::string::npos);
        CHECK(warnings_of("limits: {" + limit + "}") == "");
    }
    CHECK(warnings_of("udp-session-type: one-way, limits: {idle: 5m, client-datagrams: 1}") == "");
    CHECK(warnings_of("limits: {idle: 0s, lifetime: 1h, idle-bytes: 5}").find("has no effect without") !=
          std::string::npos);
    CHECK(warnings_of("limits: {burst: 5}").find("limits.burst: has no effect without rate") !=
          std::string::npos);
    CHECK(warnings_of("dscp: {match: [1, 1]}").find("duplicate value") != std::string::npos);
}

TEST_CASE("a burst that keeps the rate from being reached is warned about [B-4]") {
    CHECK(warnings_of("limits: {rate: 1000/s, burst: 9}").find("expected at least 10,") != std::string::npos);
    CHECK(warnings_of("limits: {rate: 1000/s, burst: 10}") == "");
    CHECK(warnings_of("limits: {rate: 1000/s, burst: 0}") == "");
    CHECK(warnings_of("limits: {rate: 99/s, burst: 1}") == "");
    for (const std::string key : {"per-address", "per-network"}) {
        TextConfig text;
        text.udpserver = "udpserver: {max-sessions: 10, " + key + ": {rate: 5000/s, burst: 49}}";
        CHECK(lines(load(text).warnings).find(key + ".burst: allows less than the rate brings in 10 ms") !=
              std::string::npos);
        text.udpserver = "udpserver: {max-sessions: 10, " + key + ": {burst: 49}}";
        CHECK(lines(load(text).warnings).find(key + ".burst: has no effect without rate") !=
              std::string::npos);
    }
}

TEST_CASE("sessions that never end and rules that accept nothing are warned about") {
    CHECK(warnings_of("limits: {idle: 0s}").find("never expires") != std::string::npos);
    CHECK(warnings_of("limits: {idle: 0s, lifetime: 1h}") == "");
    CHECK(lines(load_rule("action: deny").warnings) == "t.yaml:5:3: session-acl: no rule accepts sessions\n");
}

TEST_CASE("broadcast and unicast rules live on different listeners [K-43]") {
    const auto errors = [](const std::string& to_unicast, const std::string& to_broadcast) {
        TextConfig text;
        text.listen_on = "listen-on: [{address: 10.0.0.1, port: 53}, {address: 10.0.0.1, port: 9}]";
        text.session_acl = "session-acl:\n  - {action: accept, plug-to: '192.0.2.1:53'" + to_unicast +
                           "}\n  - {action: accept, plug-to: '10.0.9.255:9', udp-session-type: broadcast" +
                           to_broadcast + "}";
        return load(text).errors.size();
    };
    CHECK(errors(", to: '10.0.0.1:53'", ", to: '10.0.0.1:9'") == 0);
    CHECK(errors(", to: '!10.0.0.1:9'", ", to: '*:9'") == 0);
    CHECK(errors("", ", to: '*:9'") == 1);
    CHECK(errors(", to: '*:53'", "") == 1);
    CHECK(errors(", to: '10.0.0.2'", "") == 0);
    CHECK(errors("", "") == 1);
}

TEST_CASE("large lists behind many rules and listeners are checked in a moment") {
    TextConfig text;
    std::string items = "10.9.9.9", listeners, rules;
    for (int i = 0; i < 20'000; ++i)
        items += ",10.1.0." + std::to_string(i % 256);
    for (int i = 0; i < 500; ++i)
        listeners += "  - {address: 127.0.0.1, port: " + std::to_string(i + 1) + "}\n";
    for (int i = 0; i < 2000; ++i)
        rules += "  - {action: accept, to: '!@big', plug-to: '192.0.2.1:53'}\n";
    text.head = "name: t\nlists: {big: [" + items + "]}";
    text.listen_on = "listen-on:\n" + listeners;
    text.session_acl = "session-acl:\n" + rules;
    // Without the memory of HostMatch these are 2e10 comparisons: the test would not end.
    CHECK(lines(load(text).errors) == "");
}

TEST_CASE("many unknown names cost no more than the errors that are kept") {
    std::string lists = "name: t\nlists: {a0: [192.0.2.1]", from;
    for (int i = 1; i < 900; ++i)
        lists += ", a" + std::to_string(i) + ": [192.0.2.1]";
    for (int i = 0; i < 60'000; ++i)
        from += "'@b" + std::to_string(i) + "',";
    const auto result = load(lists + "}\nsession-acl: [{action: deny, from: [" + from + "]}]\n");
    CHECK(result.errors.size() == 201);
}
