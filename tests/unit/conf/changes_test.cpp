#include "conf/changes.hpp"

#include <catch2/catch.hpp>
#include <functional>

#include "conf/load.hpp"

namespace {

using Lines = std::vector<std::string>;

conf::Config load(const std::string& text) {
    const conf::LoadResult loaded = conf::load_text(text, "/etc/test.yaml", {"udp", "other"});
    REQUIRE(loaded.ok());
    return loaded.config;
}

const std::string minimal =
    "name: gw\nproxy: udp\nudpserver: {max-sessions: 10}\nlisten-on: [{address: 127.0.0.1, port: 5000}]\n"
    "session-acl: [{name: a, from: ['*'], action: accept, plug-to: ['127.0.0.1:53']}]\n";

}  // namespace

TEST_CASE("equal configurations have no differences, however they are written") {
    const conf::Config config = load(minimal);
    CHECK(conf::differences(config, load("# comment\n" + minimal)).empty());
    CHECK(conf::changes_for_restart(config, config).empty());
}

TEST_CASE("a change is shown by what is gone and what is new, under its section") {
    const conf::Config before = load(minimal);
    conf::Config after = before;
    after.udpserver.max_sessions = 20;
    const Lines lines = conf::differences(before, after);
    REQUIRE(lines.size() == 3);
    CHECK(lines[0] == "udpserver:");
    CHECK(lines[1].starts_with("- "));
    CHECK(lines[1].find("max-sessions: 10") != std::string::npos);
    CHECK(lines[2].starts_with("+ "));
    CHECK(lines[2].find("max-sessions: 20") != std::string::npos);
}

TEST_CASE("a rule more, a rule less, and both ways round") {
    const conf::Config one = load(minimal);
    conf::Config two = one;
    two.session_acl.insert(two.session_acl.begin(), one.session_acl.front());
    two.session_acl.front().name = "first";
    two.session_acl.front().action = conf::Action::deny;
    two.session_acl.front().plug_to.clear();
    const Lines more = conf::differences(one, two), less = conf::differences(two, one);
    REQUIRE(more.size() == less.size());
    REQUIRE(more.size() >= 2);
    for (std::size_t i = 0; i < more.size(); ++i) {
        CHECK(more[i].front() != '-');
        CHECK(less[i].front() != '+');
    }
}

TEST_CASE("what needs a restart is named by its key") {
    using Change = std::function<void(conf::Config&)>;
    const std::vector<std::pair<std::string, Change>> changes{
        {"name", [](conf::Config& c) { c.name = "x"; }},
        {"proxy", [](conf::Config& c) { c.proxy = "other"; }},
        {"user", [](conf::Config& c) { c.user = "nobody"; }},
        {"singleproc", [](conf::Config& c) { c.singleproc = true; }},
        {"nodaemon", [](conf::Config& c) { c.nodaemon = true; }},
        {"sandbox", [](conf::Config& c) { c.sandbox = conf::Sandbox::off; }},
        {"core-dumps", [](conf::Config& c) { c.core_dumps = true; }},
        {"pid-file", [](conf::Config& c) { c.pid_file = "/run/x"; }},
        {"control", [](conf::Config& c) { c.control.socket = "/run/x"; }},
        {"control", [](conf::Config& c) { c.control.enabled = false; }},
        {"control", [](conf::Config& c) { c.control.mode = 0600; }},
        {"control", [](conf::Config& c) { c.control.group = "adm"; }},
        {"control", [](conf::Config& c) { c.control.read_only_group = "adm"; }},
        {"log.to", [](conf::Config& c) { c.log.target = base::LogTarget::syslog; }},
        {"log.to", [](conf::Config& c) { c.log.path = "/x"; }},
        {"log.format", [](conf::Config& c) { c.log.format = base::LogFormat::json; }},
        {"log.facility", [](conf::Config& c) { c.log.facility = "mail"; }},
        {"log.on-syslog-failure",
         [](conf::Config& c) { c.log.on_syslog_failure = base::SyslogFailure::stop; }},
        {"log.dump-limit", [](conf::Config& c) { c.log.dump_limit = 1; }}};
    const conf::Config before = load(minimal);
    for (const auto& [key, change] : changes) {
        CAPTURE(key);
        conf::Config after = before;
        change(after);
        CHECK(conf::changes_for_restart(before, after) == Lines{key});
    }
    conf::Config after = before;
    after.name = "x";
    after.proxy = "other";
    CHECK(conf::changes_for_restart(before, after) == Lines{"name", "proxy"});
}

TEST_CASE("what can be followed needs no restart") {
    const conf::Config before = load(minimal);
    conf::Config after = before;
    after.udpserver.max_sessions = 99;
    after.udpserver.workers = 3;
    after.log.level = base::LogLevel::debug;
    after.log.names = true;
    after.listen_on.clear();
    after.session_acl.clear();
    after.resolver.tries = 7;
    CHECK(conf::changes_for_restart(before, after).empty());
}
