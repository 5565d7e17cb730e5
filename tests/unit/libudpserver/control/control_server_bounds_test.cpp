#include <grp.h>

#include <catch2/catch.hpp>
#include <random>

#include "tests/unit/libudpserver/control/control_fixture.hpp"

using namespace control;
using Catch::Matchers::Contains;
using control::Code;

namespace {

constexpr uid_t stranger = 54321;
constexpr gid_t admins = 54400, viewers = 54401, others = 54402;

/// What a client of another user sees, in a process of its own: one line for each request, or fewer.
std::string as_user(ControlStage& stage, uid_t uid, std::vector<gid_t> groups,
                    const std::vector<std::string>& commands) {
    const std::string result = stage.folder.path + "/result-" + std::to_string(uid);
    const pid_t child = ::fork();
    if (child == 0) {
        const bool changed = ::setgroups(groups.size() - 1, groups.data() + 1) == 0 &&
                             ::setgid(groups[0]) == 0 && ::setuid(uid) == 0;
        ControlCaller caller(stage.control.path);
        if (!changed || !caller.connected()) ::_exit(9);
        for (const auto& command : commands)
            caller.ask(command);
        for (int i = 0; i < 1000 && !caller.ended() && caller.ends() < static_cast<int>(commands.size());
             ++i) {
            pollfd poll{caller.descriptor(), POLLIN, 0};
            ::poll(&poll, 1, 10);
        }
        std::ofstream(result) << caller.text();
        ::_exit(caller.ended() ? 1 : 0);
    }
    int status = -1;
    bool ended = false;
    stage.until([&] { return ended || (ended = ::waitpid(child, &status, WNOHANG) == child); });
    REQUIRE(WIFEXITED(status));
    return std::to_string(WEXITSTATUS(status)) + " " + read_text(result);
}

/// The tests of rights need root, to become another user.
bool root() {
    if (::geteuid() == 0) return true;
    WARN("skipped: only root can become another user");
    return false;
}

ControlServer& serve_everybody(ControlStage& stage) {
    stage.control.mode = 0666;
    stage.control.rights.group = admins;
    stage.control.rights.read_only_group = viewers;
    auto& server = stage.serve();
    server.add("change", Access::change, [](const control::Request&, Answer answer) { answer.end(); });
    return server;
}

constexpr const char* hello = "{\"hello\":\"you\"}\n{\"end\":true}\n";

}  // namespace

TEST_CASE("a user without rights gets one line and the end [O-45]") {
    if (!root()) return;
    ControlStage stage;
    auto& server = serve_everybody(stage);
    const auto seen = as_user(stage, stranger, {others}, {"hello", "hello"});
    CHECK_THAT(seen, Contains("you may not control this proxy") && Contains("control.group") &&
                         Contains(R"("code":"refused")") && !Contains("hello"));
    CHECK(seen.starts_with("1 "));
    CHECK(server.clients() == 0);  // it never was one
    CHECK_THAT(stage.log(), Contains("CTRL-220-N") && Contains("uid 54321 pid "));
}

TEST_CASE("members of the group may do everything, by their first group or any other one") {
    if (!root()) return;
    ControlStage stage;
    serve_everybody(stage);
    CHECK(as_user(stage, stranger, {admins}, {"change"}) == "0 {\"end\":true}\n");
    CHECK(as_user(stage, stranger + 1, {others, others + 1, admins}, {"change"}) == "0 {\"end\":true}\n");
    std::vector<gid_t> many{others};
    for (gid_t i = 0; i < 300; ++i)
        many.push_back(60'000 + i);
    many.push_back(admins);
    CHECK(as_user(stage, stranger + 2, many, {"change"}) == "0 {\"end\":true}\n");
    CHECK_THAT(stage.log(), Contains("CTRL-210-N") && Contains("uid 54321 pid ") && Contains("change"));
}

TEST_CASE("members of the read-only group may look and not change, with one clear message [K-75]") {
    if (!root()) return;
    ControlStage stage;
    serve_everybody(stage);
    const auto seen = as_user(stage, stranger, {others, viewers}, {"hello", "change", "hello"});
    CHECK_THAT(seen, Contains("you have read-only access, and 'change' needs full access"));
    CHECK(count_of(seen, hello) == 2);
    CHECK(seen.starts_with("0 "));
    CHECK(count_of(stage.log(), "CTRL-210-N") == 0);
}

TEST_CASE("the rights of a peer") {
    const ControlRights rights{1000, admins, viewers};
    CHECK(access_of({1, 0, {0}}, {}) == Access::change);
    CHECK(access_of({1, 1000, {1}}, rights) == Access::change);
    CHECK(access_of({1, 2, {1, admins}}, rights) == Access::change);
    CHECK(access_of({1, 2, {1, viewers}}, rights) == Access::read);
    CHECK(access_of({1, 2, {viewers, admins}}, rights) == Access::change);
    CHECK(access_of({1, 2, {1, 2, 0}}, rights) == Access::none);
    CHECK(access_of({1, 2, {0}}, {.own = 1000}) == Access::none);
    CHECK(access_of({1, 2, {}}, rights) == Access::none);
}

TEST_CASE("the connections of a user other than root are limited") {
    if (!root()) return;
    ControlStage stage;
    stage.control.bounds.max_clients_per_user = 0;
    serve_everybody(stage);
    CHECK_THAT(
        as_user(stage, stranger, {admins}, {"hello"}),
        Contains("0 clients of uid 54321 already use the control socket") && Contains(R"("code":"busy")"));
    auto caller = stage.call();
    caller.ask("hello");
    stage.until_ends(caller, 1);
    CHECK(caller.text() == hello);
}

TEST_CASE("the last places are root's: others cannot lock root out") {
    if (!root()) return;
    ControlStage stage;
    stage.control.bounds.max_clients = stage.control.bounds.reserved_for_root + 1;
    auto& server = serve_everybody(stage);
    CHECK(as_user(stage, stranger, {admins}, {"hello"}) == std::string("0 ") + hello);
    stage.until([&] { return server.clients() == 0; });
    auto caller = stage.call();
    stage.until([&] { return server.clients() == 1; });
    CHECK_THAT(as_user(stage, stranger, {admins}, {"hello"}),
               Contains("1 clients already use the control socket"));
    auto other = stage.call();
    other.ask("hello");
    stage.until_ends(other, 1);
    CHECK(other.text() == hello);
}

TEST_CASE("silent clients lock neither root nor their own user out [G-8]") {
    ControlStage stage;
    stage.control.bounds.max_clients_per_user = 16;
    stage.control.bounds.reserved_for_root = 0;
    stage.control.bounds.min_silence = 0ms;
    auto& server = stage.serve();
    std::vector<ControlCaller> silent;
    for (int i = 0; i < 16; ++i)
        silent.push_back(stage.call());
    stage.until([&] { return server.clients() == 16; });
    // So that the one that asks is not as old as the others.
    const base::Instant later = base::MonotonicClock::now() + 2ms;
    stage.until([&] { return base::MonotonicClock::now() > later; });
    silent[0].ask("hello");
    stage.until_ends(silent[0], 1);
    auto next = stage.call();
    next.ask("hello");
    stage.until_ends(next, 1);
    CHECK(next.text() == hello);
    // The one that was silent for longest made room.
    stage.until_ended(silent[1]);
    CHECK_FALSE(silent[0].ended());
    CHECK_FALSE(silent[2].ended());
    CHECK_THAT(stage.log(), Contains("CTRL-222-N") && Contains("another client needs its place"));
}

TEST_CASE("a user closes no silent client of another user [G-8]") {
    if (!root()) return;
    ControlStage stage;
    stage.control.bounds.min_silence = 0ms;
    stage.control.bounds.max_clients = stage.control.bounds.reserved_for_root + 1;
    auto& server = serve_everybody(stage);
    auto silent = stage.call();
    stage.until([&] { return server.clients() == 1; });
    CHECK_THAT(as_user(stage, stranger, {admins}, {"hello"}),
               Contains("1 clients already use the control socket"));
    CHECK_FALSE(silent.ended());
}

TEST_CASE("further clients than the bound get a line and the end, and the others stay") {
    ControlStage stage;
    stage.control.bounds.max_clients_per_user = 16;
    stage.control.bounds.reserved_for_root = 0;
    auto& server = stage.serve();
    std::vector<ControlCaller> callers;
    for (int i = 0; i < 16; ++i)
        callers.push_back(stage.call());
    stage.until([&] { return server.clients() == 16; });
    auto late = stage.call();
    late.ask("hello");
    stage.until_ended(late);
    CHECK(late.last().code == Code::busy);
    CHECK_THAT(late.last().text, Contains("16 clients already use the control socket"));
    callers[3].ask("hello");
    stage.until_ends(callers[3], 1);
    callers[0].close();
    stage.until([&] { return server.clients() == 15; });
    auto next = stage.call();
    next.ask("hello");
    stage.until_ends(next, 1);
    CHECK(next.text() == hello);
}

TEST_CASE("a thousand connections, one after the other and in bursts") {
    ControlStage stage;
    auto& server = stage.serve();
    int served = 0, turned_away = 0;
    for (int burst = 0; burst < 20; ++burst) {
        std::vector<ControlCaller> callers;
        for (int i = 0; i < 50; ++i) {
            callers.push_back(stage.call());
            REQUIRE(callers.back().connected());
            callers.back().ask("hello");
            if (i % 3 == 0) callers.back().say_no_more();
        }
        for (auto& caller : callers) {
            stage.until([&] { return caller.ends() == 1 || caller.ended(); });
            if (caller.text() == hello)
                ++served;
            else if (caller.text().find("busy") != std::string::npos)
                ++turned_away;
        }
        callers.clear();
        stage.until([&] { return server.clients() == 0; });
    }
    CHECK(served + turned_away == 1000);
    CHECK(served >= 20 * 16);
}

TEST_CASE("garbage in any pieces, and clients that go at any time, leave a server that serves") {
    ControlStage stage;
    auto& server = stage.serve();
    std::minstd_rand random(20261122);
    const std::vector<std::string> words{"{\"command\": \"hello\"}\n",
                                         "{\"command\"",
                                         "\n",
                                         "{}\n",
                                         std::string("\0\xff\xfe", 3),
                                         std::string(5000, '['),
                                         "\"args\": {\"name\": \"\\ud800\"}}\r\n",
                                         std::string(20'000, 'x')};
    for (int round = 0; round < 300; ++round) {
        std::vector<ControlCaller> callers;
        for (unsigned i = 0; i < 1 + random() % 5; ++i)
            callers.push_back(stage.call());
        for (unsigned i = 0; i < random() % 20; ++i) {
            auto& caller = callers[random() % callers.size()];
            caller.say(words[random() % words.size()]);
            if (random() % 5 == 0) caller.listen();
            if (random() % 10 == 0) caller.say_no_more();
            for (unsigned turns = random() % 4; turns > 0; --turns)
                stage.io.poll_one();
        }
    }
    stage.until([&] { return server.clients() == 0; });
    auto caller = stage.call();
    caller.ask("hello");
    stage.until_ends(caller, 1);
    CHECK(caller.text() == hello);
    CHECK(count_of(stage.log(), "CTRL-310-E") == 0);
}

TEST_CASE("without descriptors clients wait, and are let in when there are some again [L-26]") {
    ControlStage stage;
    stage.serve();
    auto caller = stage.call();
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    rlimit none = before;
    none.rlim_cur = static_cast<rlim_t>(caller.descriptor() + 1);
    std::vector<base::UniqueFd> holes;
    for (base::UniqueFd fd(::dup(0)); fd.get() < caller.descriptor(); fd.reset(::dup(0)))
        holes.push_back(std::move(fd));
    ::setrlimit(RLIMIT_NOFILE, &none);
    caller.ask("hello");
    for (int i = 0; i < 100; ++i)
        stage.io.poll();
    ::setrlimit(RLIMIT_NOFILE, &before);
    CHECK(caller.lines().empty());
    CHECK_THAT(stage.log(), Contains("CTRL-230-W") && Contains("Too many open files"));
    stage.until_ends(caller, 1);
    CHECK(caller.text() == hello);
}
