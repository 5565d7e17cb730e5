#include "libudpserver/process/log_process.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
#include <cstdio>
#include <optional>
#include <sstream>
#include <string>

#include "base/fatal.hpp"
#include "base/log.hpp"
#include "base/log_wire.hpp"
#include "tests/support/process_fixture.hpp"

using namespace process;
using namespace std::chrono_literals;
using base::Duration;
using Catch::Contains;

namespace {

struct Place {
    TempFolder folder;
    LogSetup setup;
    Place() {
        setup.name = "gw";
        setup.log.target = base::LogTarget::file;
        setup.log.path = path();
    }
    std::string path() const { return folder.path + "/log"; }
    std::string text() const { return read_text(path()); }
};

void put(base::log::Channels& channels, const char* channel, std::string_view role, std::string_view text) {
    const std::string packet = base::log::wire_packet(
        {std::chrono::system_clock::now(), base::msg::debug.id, base::log::wire_message(text)}, role);
    REQUIRE(::send(channels.of(channel).sender.get(), packet.data(), packet.size(), MSG_DONTWAIT) ==
            static_cast<ssize_t>(packet.size()));
}

}  // namespace

TEST_CASE("LOG writes what the channels hold before it exits [E-6]") {
    Place place;
    LogProcess process(place.setup, {"", "REG"});
    process.start(5s);
    CHECK(process.status().pid > 0);
    for (int i = 0; i < 100; ++i)
        put(process.channels(), "REG", "REG", "line " + std::to_string(i));
    process.finish(5s);
    CHECK(process.status().pid == -1);
    std::istringstream lines(place.text());
    std::string line;
    int count = 0;
    while (std::getline(lines, line))
        CHECK(line.ends_with(" LOGS-710-D line " + std::to_string(count++)));
    CHECK(count == 100);
}

TEST_CASE("a process cannot log in the name of another, nor more than one line [F-5]") {
    Place place;
    LogProcess process(place.setup, {"", "REG", candidate_role});
    process.start(5s);
    put(process.channels(), "REG", "", "I am the parent\n2026-01-01T00:00:00.000Z gw 1 UDPS-212-K forged");
    put(process.channels(), candidate_role, "REG", "candidate");
    put(process.channels(), candidate_role, "x] forged", "candidate");
    REQUIRE(::send(process.channels().of("REG").sender.get(), "rubbish", 7, 0) == 7);
    process.finish(5s);
    const std::string text = place.text(), pid = std::to_string(::getpid());
    CHECK_THAT(text, Contains("gw[REG] " + pid + " LOGS-710-D I am the parent\\n2026-01-01T"));
    CHECK_THAT(text, Contains("gw[REG] " + pid + " LOGS-710-D candidate"));
    CHECK_THAT(text, !Contains("x] forged"));
    CHECK_THAT(text, Contains("UDPS-310-E log line of REG pid " + pid + ": malformed"));
    CHECK(std::ranges::count(text, '\n') == 4);
}

TEST_CASE("empty packets hide no line [F-5]") {
    Place place;
    LogProcess process(place.setup, {"", "REG"});
    process.start(5s);
    const pid_t pid = process.status().pid;
    REQUIRE(::kill(pid, SIGSTOP) == 0);
    for (int i = 0; i < 200; ++i)
        REQUIRE(::send(process.channels().of("REG").sender.get(), "", 0, 0) == 0);
    put(process.channels(), "REG", "REG", "the last line");
    REQUIRE(::kill(pid, SIGCONT) == 0);
    CHECK(process.finish(5s).empty());
    CHECK_THAT(place.text(), Contains("the last line"));
}

TEST_CASE("LOG ends the proxy only if it is configured so [Z-14]") {
    Place place;
    bool configured = false;
    SECTION("syslog-failure: stop") {
        configured = true;
        place.setup.log.on_syslog_failure = base::SyslogFailure::stop;
    }
    SECTION("otherwise") {}
    place.setup.other_work = [](int) {
        for (int fd = 3; fd < 64; ++fd)
            ::send(fd, log_words::end_proxy.data(), log_words::end_proxy.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        ::kill(::getpid(), SIGKILL);
    };
    boost::asio::io_context io;
    LogProcess process(place.setup, {"", "REG"});
    bool ended = false;
    process.start(5s);
    process.watch(io, [&] { ended = true; });
    while (process.status().restarts == 0)
        io.run_one_for(1s);
    io.poll();
    CHECK(ended == configured);
    process.finish(5s);
}

TEST_CASE("the parent reads few words of a LOG [Z-14]") {
    Place place;
    place.setup.log.on_syslog_failure = base::SyslogFailure::stop;
    place.setup.other_work = [](int) {
        for (int i = 0; i < 100; ++i)
            for (int fd = 3; fd < 64; ++fd)
                ::send(fd, log_words::end_proxy.data(), log_words::end_proxy.size(),
                       MSG_DONTWAIT | MSG_NOSIGNAL);
    };
    boost::asio::io_context io;
    LogProcess process(place.setup, {"", "REG"});
    int read = 0;
    process.start(5s);
    process.watch(io, [&] { ++read; });
    while (read < 15)
        io.run_one_for(1s);
    for (int i = 0; i < 1000; ++i)
        io.poll();
    CHECK(read <= 16);
    process.finish(5s);
}

TEST_CASE("a process can change only its own count of lost lines [Z-14]") {
    base::log::Channels channels({"", "REG", "ACR"});
    const auto changes = [&](std::atomic<std::uint64_t>& counter) {
        const pid_t pid = ::fork();
        if (pid == 0) {
            std::signal(SIGSEGV, SIG_DFL);
            channels.keep_only(channels.of("REG"));
            counter = 7;
            ::_exit(0);
        }
        int status = -1;
        REQUIRE(::waitpid(pid, &status, 0) == pid);
        return counter == 7;
    };
    CHECK(changes(channels.of("REG").lost()));
    CHECK_FALSE(changes(channels.of("ACR").lost()));
    CHECK_FALSE(changes(channels.of("").lost()));
    CHECK_FALSE(changes(channels.unwritten()));
    CHECK_FALSE(changes(*channels.of("REG").reported));
    CHECK(channels.lost() == 7);
}

TEST_CASE("a log that cannot be opened fails the start with the reason [E-6][F-1]") {
    Place place;
    place.setup.log.path = place.folder.path + "/none/log";
    LogProcess process(place.setup, {"", "REG"});
    CHECK_THROWS_WITH(process.start(5s), Contains("none does not exist"));
    CHECK(process.status().pid == -1);
}

TEST_CASE("LOG that stands still is given up [E-6]") {
    Place place;
    LogProcess process(place.setup, {"", "REG"});
    process.start(5s);
    const pid_t pid = process.status().pid;
    REQUIRE(::kill(pid, SIGSTOP) == 0);
    const base::Instant before = base::MonotonicClock::now();
    process.finish(100ms);
    CHECK(base::MonotonicClock::now() - before < 2s);
    CHECK(::kill(pid, 0) != 0);
}

TEST_CASE("LOG is reopened by a new process, which fails without harm [K-18][E-6]") {
    Place place;
    boost::asio::io_context io;
    LogProcess process(place.setup, {"", "REG"});
    process.start(5s);
    process.watch(io, [] {});
    const pid_t first = process.status().pid;
    ::rename(place.path().c_str(), (place.path() + ".1").c_str());
    std::optional<std::string> result;
    const auto reopen = [&] {
        result.reset();
        process.reopen([&](const std::string& failure) { result = failure; });
        while (!result)
            io.run_one_for(1s);
    };
    reopen();
    CHECK(result->empty());
    CHECK(process.status().pid != first);
    put(process.channels(), "REG", "REG", "new");
    const pid_t second = process.status().pid;
    ::rename(place.path().c_str(), (place.path() + ".3").c_str());
    ::mkdir(place.path().c_str(), 0700);
    reopen();
    CHECK_THAT(*result, Contains("Is a directory"));
    CHECK(process.status().pid == second);
    process.finish(5s);
    CHECK_THAT(read_text(place.path() + ".3"), Contains("LOGS-710-D new"));
}
