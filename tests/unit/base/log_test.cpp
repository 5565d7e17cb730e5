#include "base/log.hpp"

#include <array>
#include <atomic>
#include <thread>

#include <catch2/catch.hpp>

#include "base/log_writer.hpp"
#include "tests/unit/base/forked.hpp"
#include "tests/unit/base/log_directory.hpp"

using namespace base;
using Catch::Contains;

namespace {

LogSettings file_settings(const std::string& path, LogLevel level = LogLevel::normal) {
    LogSettings settings;
    settings.target = LogTarget::file;
    settings.path = path;
    settings.level = level;
    return settings;
}

constexpr Message unbounded{"TEST-110-N", 0, "", ""};

/// A target that fails or waits as the test says.
class Gate : public log::Sink {
public:
    std::atomic<bool> broken{false}, closed{false};
    std::atomic<bool> entered{false};
    std::vector<std::string> lines;

    bool write(const log::LineFormat&, const log::Line& line) override {
        entered = true;
        entered.notify_all();
        closed.wait(true);
        if (broken) return false;
        lines.push_back(std::string(line.id) + ' ' + std::string(line.body));
        return true;
    }
    void open() {
        closed = false;
        closed.notify_all();
    }
    [[nodiscard]] std::vector<int> descriptors() const override { return {}; }
};

const log::LineFormat plain(LogFormat::text, {"gw", "", 1});

}  // namespace

TEST_CASE("the level decides what is written, and each change is one line [K-16]") {
    LogDirectory directory;
    log::open(file_settings(directory.path("log"), LogLevel::error), "gw", true);
    log::write(msg::child_ready, "no");
    log::write(msg::running_as_root, "no");
    log::write(msg::child_died, "error");
    log::write(msg::refused, "notice");
    log::write_record(msg::session_record, {{"N", "1", false}});
    CHECK(directory.lines("log").size() == 3);

    log::lower_level();
    CHECK(log::level() == LogLevel::error);  // clamped, and nothing changed
    CHECK(directory.lines("log").size() == 3);
    log::raise_level();
    CHECK(log::level() == LogLevel::warning);
    log::raise_level();
    CHECK(log::level() == LogLevel::notice);  // from 4 to 5
    log::raise_level();
    CHECK(log::level() == LogLevel::normal);
    for (int i = 0; i < 9; ++i)
        log::raise_level();
    CHECK(log::level() == LogLevel::full);
    const auto lines = directory.lines("log");
    REQUIRE(lines.size() == 3 + 6);
    CHECK_THAT(lines[3], Contains("LOGS-210-K") && Contains("4 (warning)") && Contains("was 3"));
    CHECK_THAT(lines[8], Contains("9 (full)"));
    log::set_level(static_cast<LogLevel>(99));
    CHECK(log::level() == LogLevel::full);
    log::set_level(static_cast<LogLevel>(0));
    CHECK(log::level() == LogLevel::error);
}

TEST_CASE("trace messages need level 8, dumps level 9 and they are bounded [K-69]") {
    LogDirectory directory;
    auto settings = file_settings(directory.path("log"), LogLevel::debug);
    settings.dump_limit = 4;
    log::open(settings, "gw", true);
    log::write(msg::debug, "debug");
    log::write(msg::trace, "trace");
    CHECK(directory.lines("log").size() == 1);
    log::set_level(LogLevel::trace);
    log::write(msg::trace, "trace");
    const std::array<std::byte, 6> bytes{std::byte{0}, std::byte{255}, std::byte{10}};
    log::dump("from client", bytes);
    CHECK(directory.lines("log").size() == 3);
    log::set_level(LogLevel::full);
    log::dump("from client", bytes);
    CHECK(directory.lines("log").back().ends_with("from client: 6 bytes: 00 ff 0a 00 …"));
    log::dump("from client", std::span(bytes).first(4));
    CHECK(directory.lines("log").back().ends_with("from client: 4 bytes: 00 ff 0a 00"));
}

TEST_CASE("a flood of one id is cut, others go on [K-65]") {
    LogDirectory directory;
    log::open(file_settings(directory.path("log")), "gw", true);
    for (int i = 0; i < 1000; ++i)
        log::write(msg::icmp_error, "{}", i);  // one a second
    log::write(msg::sessions_full, "other");
    for (int i = 0; i < 1000; ++i)
        log::write_record(msg::session_record, {});
    const auto lines = directory.lines("log");
    CHECK(lines.size() >= 1006);
    CHECK(lines.size() <= 1012);
}

TEST_CASE("a reopen is logged in the new file, a failed one in the old [K-18]") {
    LogDirectory directory;
    std::filesystem::create_directory(directory.path("sub"));
    log::open(file_settings(directory.path("sub/log")), "gw", true);
    log::write(unbounded, "one");
    std::filesystem::rename(directory.path("sub/log"), directory.path("sub/log.1"));
    log::reopen();
    REQUIRE(directory.lines("sub/log").size() == 1);
    CHECK_THAT(directory.content("sub/log"), Contains("LOGS-211-K"));
    std::filesystem::rename(directory.path("sub"), directory.path("moved"));
    log::reopen();
    CHECK_THAT(directory.content("moved/log"), Contains("LOGS-212-E") && Contains("does not exist"));
    CHECK(log::descriptors().front() >= 0);
}

TEST_CASE("a log that cannot be opened leaves the one before in use") {
    LogDirectory directory;
    log::open(file_settings(directory.path("log")), "gw", true);
    CHECK_THROWS_WITH(log::open(file_settings(directory.path("none/log")), "gw", true), Contains("none"));
    log::write(unbounded, "still here");
    CHECK_THAT(directory.content("log"), Contains("still here"));
}

TEST_CASE("a child has its role, pid and queue; nothing is lost at its end") {
    LogDirectory directory;
    log::open(file_settings(directory.path("log")), "gw", true);
    log::write(unbounded, "parent");
    const int status = in_child([] {
        log::become("REG", true);
        for (int i = 0; i < 1000; ++i)
            log::write(unbounded, "line {}", i);
        log::flush_and_close();
        log::write(unbounded, "after the end");
        return log::lost() == 0 ? 0 : 1;
    });
    CHECK(status == 0);
    const auto lines = directory.lines("log");
    REQUIRE(lines.size() == 1002);
    CHECK_THAT(lines[0], Contains(" gw " + std::to_string(::getpid()) + " TEST-110-N parent"));
    CHECK_THAT(lines[1], Contains(" gw[REG] ") && !Contains(' ' + std::to_string(::getpid()) + ' '));
    CHECK(lines[1000].ends_with("line 999"));
    CHECK(lines[1001].ends_with("after the end"));
}

TEST_CASE("a child of a process whose log has a thread starts its own") {
    LogDirectory directory;
    const int status = in_child([&] {
        log::open(file_settings(directory.path("log")), "gw", true);
        log::become("ONE", true);
        log::write(unbounded, "one");
        // The C library's lock of the time zone does not survive a fork while the thread holds it. The
        // program forks only from a process whose log has no thread.
        log::drain();
        const int inner = in_child([] {
            ::alarm(20);
            log::become("TWO", true);
            log::write(unbounded, "two");
            log::flush_and_close();
            return 0;
        });
        log::flush_and_close();
        return inner;
    });
    CHECK(status == 0);
    CHECK(directory.lines("log").size() == 2);
}

TEST_CASE("lines of many threads stay whole") {
    LogDirectory directory;
    CHECK(in_child([&] {
              log::open(file_settings(directory.path("log")), "gw", true);
              log::become("REG", true);
              std::vector<std::thread> threads;
              for (int t = 0; t < 4; ++t)
                  threads.emplace_back([] {
                      for (int i = 0; i < 500; ++i)
                          log::write(unbounded, "{}", std::string(100, 'x'));
                  });
              for (auto& thread : threads)
                  thread.join();
              log::flush_and_close();
              return 0;
          }) == 0);
    const auto lines = directory.lines("log");
    CHECK(lines.size() == 2000);
    for (const auto& line : lines)
        if (!line.ends_with(std::string(100, 'x'))) FAIL(line);
}

TEST_CASE("lines that a target swallowed are counted, and told when it works again [K-69]") {
    auto sink = std::make_shared<Gate>();
    log::Writer writer(sink, plain, false);
    sink->broken = true;
    for (int i = 0; i < 3; ++i)
        writer.write(unbounded, "lost");
    CHECK(writer.lost() == 3);
    sink->broken = false;
    writer.write(unbounded, "back");
    CHECK(sink->lines ==
          std::vector<std::string>{"TEST-110-N back", "LOGS-230-W 3 lines lost, 3 since the start"});
    writer.write(unbounded, "next");
    CHECK(sink->lines.size() == 3);
}

TEST_CASE("a slow target makes nobody wait: the queue's oldest lines go, and are counted") {
    auto sink = std::make_shared<Gate>();
    sink->closed = true;
    log::Writer writer(sink, plain, true);
    writer.write(unbounded, "first");
    sink->entered.wait(false);  // the writer thread is busy with it
    for (std::size_t i = 0; i < log::Writer::queue_size + 100; ++i)
        writer.write(unbounded, std::to_string(i));
    CHECK(writer.lost() == 100);
    sink->open();
    CHECK(writer.finish(std::chrono::seconds(20)));
    // The flush itself may have taken the place of one more.
    CHECK(writer.lost() <= 101);
    REQUIRE(sink->lines.size() >= log::Writer::queue_size);
    CHECK(sink->lines[0] == "TEST-110-N first");
    CHECK_THAT(sink->lines[1], Contains("LOGS-230-W 10") && Contains("lines lost"));
    CHECK(sink->lines.back() == "TEST-110-N " + std::to_string(log::Writer::queue_size + 99));
}

TEST_CASE("a target that hangs does not hold up the end") {
    CHECK(in_child([] {
              ::alarm(20);
              auto sink = std::make_shared<Gate>();
              sink->closed = true;
              auto writer = std::make_unique<log::Writer>(sink, plain, true);
              writer->write(unbounded, "hangs");
              sink->entered.wait(false);
              if (writer->finish(std::chrono::milliseconds(10))) return 1;
              writer->write(unbounded, "nobody waits for this");
              if (writer->lost() != 1) return 2;
              writer = nullptr;
              return 0;
          }) == 0);
}

TEST_CASE("full devices are counted as lost lines") {
    log::open(file_settings("/dev/full"), "gw", true);
    log::write(unbounded, "x");
    log::write(unbounded, "x");
    CHECK(log::lost() == 2);
}
