#include "base/log_sink_syslog.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <csignal>
#include <cstdlib>
#include <cstring>

#include <catch2/catch.hpp>

#include "base/log_sink_file.hpp"
#include "base/signals.hpp"
#include "tests/unit/base/forked.hpp"
#include "tests/unit/base/log_directory.hpp"

using namespace base;
using Catch::Contains;

namespace {

const log::LineFormat format(LogFormat::text, {"gw", "REG", 7});

bool write(log::Sink& sink, std::string_view body) {
    return sink.write(format, {std::chrono::system_clock::time_point{}, "TEST-110-N", body});
}

/// A syslog daemon as far as its socket goes.
class Daemon {
public:
    explicit Daemon(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
        ::unlink(path.c_str());
        if (::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
            throw std::runtime_error("bind");
        ::setenv("PROXYD_SYSLOG_SOCKET", path.c_str(), 1);
    }
    std::string next() {
        char buffer[16384];
        const auto size = ::recv(fd_.get(), buffer, sizeof buffer, 0);
        return size < 0 ? "nothing" : std::string(buffer, static_cast<std::size_t>(size));
    }

private:
    UniqueFd fd_;
};

struct Fixture {
    LogDirectory directory;
    std::string socket = directory.path("syslog");
    Fixture() { ::setenv("PROXYD_SYSLOG_SOCKET", socket.c_str(), 1); }
    ~Fixture() { ::unsetenv("PROXYD_SYSLOG_SOCKET"); }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "lines reach the syslog daemon as datagrams [K-69]") {
    Daemon daemon(socket);
    log::SyslogSink sink("local4", SyslogFailure::ignore, nullptr);
    CHECK(write(sink, "hello"));
    CHECK(daemon.next() == "<165>proxyd[7]: gw[REG] TEST-110-N hello");
    CHECK(daemon.next() == "nothing");
    CHECK(sink.descriptors().size() == 1);
    CHECK_FALSE(sink.reopen());
}

TEST_CASE_METHOD(Fixture, "a daemon that does not read loses lines and never blocks [K-69]") {
    Daemon daemon(socket);
    log::SyslogSink sink("local4", SyslogFailure::stop, nullptr);
    int written = 0;
    while (written < 100'000 && write(sink, "line"))
        ++written;
    CHECK(written > 0);
    CHECK(written < 100'000);
    CHECK(daemon.next() != "nothing");
    CHECK(write(sink, "goes on"));  // full is not gone: no policy, no pause
}

TEST_CASE_METHOD(Fixture, "a daemon that was restarted is found again") {
    auto daemon = std::make_unique<Daemon>(socket);
    log::SyslogSink sink("local4", SyslogFailure::ignore, nullptr);
    daemon = nullptr;
    daemon = std::make_unique<Daemon>(socket);
    CHECK(write(sink, "again"));
    CHECK_THAT(daemon->next(), Contains("again"));
}

TEST_CASE_METHOD(Fixture, "policy ignore: without a daemon lines are lost, nothing else [K-69]") {
    log::SyslogSink sink("local4", SyslogFailure::ignore, nullptr);
    CHECK_FALSE(write(sink, "lost"));
    CHECK_FALSE(write(sink, "lost"));
}

TEST_CASE_METHOD(Fixture, "policy file: without a daemon lines go to the file, which says so once [K-69]") {
    auto daemon = std::make_unique<Daemon>(socket);
    log::SyslogSink sink("local4", SyslogFailure::file,
                         std::make_unique<log::FileSink>(directory.path("log"), -1));
    CHECK(sink.descriptors().size() == 2);
    CHECK(write(sink, "to the daemon"));
    CHECK(directory.lines("log").empty());
    daemon = nullptr;
    CHECK(write(sink, "one"));
    CHECK(write(sink, "two"));
    const auto lines = directory.lines("log");
    REQUIRE(lines.size() == 3);
    CHECK_THAT(lines[0], Contains("LOGS-231-E") && Contains(socket));
    CHECK(lines[1].ends_with("one"));
    CHECK(lines[2].ends_with("two"));

    std::filesystem::rename(directory.path("log"), directory.path("log.1"));
    CHECK(sink.reopen());
    CHECK(write(sink, "three"));
    CHECK(directory.lines("log").size() == 1);
}

TEST_CASE_METHOD(Fixture, "policy stop: the process is asked to end, once [K-69]") {
    CHECK(in_child([&] {
              SignalInbox inbox;
              auto daemon = std::make_unique<Daemon>(socket);
              log::SyslogSink sink("local4", SyslogFailure::stop, nullptr);
              if (!write(sink, "fine") || inbox.take().end != 0) return 1;
              daemon = nullptr;
              write(sink, "gone");
              write(sink, "gone");
              const auto taken = inbox.take();
              return taken.end == SIGTERM && taken.ends == 1 ? 0 : 2;
          }) == 0);
}

TEST_CASE_METHOD(Fixture, "policy stop: without a daemon there is no start [K-69]") {
    CHECK_THROWS_WITH(log::SyslogSink("local4", SyslogFailure::stop, nullptr), Contains(socket));
}

TEST_CASE_METHOD(Fixture, "an unknown facility is refused by name") {
    CHECK_THROWS_WITH(log::SyslogSink("local9", SyslogFailure::ignore, nullptr), Contains("local9"));
}

TEST_CASE_METHOD(Fixture, "a socket path that is too long is unreachable, not cut") {
    ::setenv("PROXYD_SYSLOG_SOCKET", std::string(200, 'x').c_str(), 1);
    log::SyslogSink sink("local4", SyslogFailure::ignore, nullptr);
    CHECK_FALSE(write(sink, "lost"));
}

TEST_CASE_METHOD(Fixture, "a child whose socket was closed connects again and leaves the number alone") {
    Daemon daemon(socket);
    log::SyslogSink sink("local4", SyslogFailure::ignore, nullptr);
    const int fd = sink.descriptors().front();
    const int other = ::dup(0);
    REQUIRE(::dup2(other, fd) == fd);
    sink.after_fork("");
    CHECK(sink.descriptors().front() != fd);
    CHECK(write(sink, "child"));
    CHECK_THAT(daemon.next(), Contains("child"));
    ::close(fd);
    ::close(other);
}

TEST_CASE_METHOD(Fixture, "the socket of the syslog daemon may be a stream [F-6]") {
    const UniqueFd listening(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket.c_str(), sizeof address.sun_path - 1);
    REQUIRE(::bind(listening.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listening.get(), 5) == 0);
    log::SyslogSink sink("local4", SyslogFailure::stop, nullptr);
    const UniqueFd daemon(::accept4(listening.get(), nullptr, nullptr, SOCK_NONBLOCK));
    REQUIRE(daemon);
    std::string text;
    const auto read_all = [&] {
        char buffer[65536];
        ssize_t size = 0;
        while ((size = ::recv(daemon.get(), buffer, sizeof buffer, 0)) > 0)
            text.append(buffer, static_cast<std::size_t>(size));
    };
    CHECK(write(sink, "hello"));
    read_all();
    CHECK(text == std::string("<165>proxyd[7]: gw[REG] TEST-110-N hello") + '\0');

    // One that does not read loses lines, but no part of a line that it was sent.
    text.clear();
    std::size_t written = 0;
    while (written < 100'000 && write(sink, std::string(1000, 'x')))
        ++written;
    CHECK(written > 0);
    CHECK(written < 100'000);
    read_all();
    CHECK(write(sink, "goes on"));
    read_all();
    const std::string line = "<165>proxyd[7]: gw[REG] TEST-110-N " + std::string(1000, 'x') + '\0';
    std::string expected;
    for (std::size_t i = 0; i < written; ++i)
        expected += line;
    CHECK(text.substr(0, expected.size()) == expected);
    CHECK(text.substr(expected.size()) == std::string("<165>proxyd[7]: gw[REG] TEST-110-N goes on") + '\0');
}
