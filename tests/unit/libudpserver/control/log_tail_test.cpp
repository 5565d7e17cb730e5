#include "libudpserver/control/log_tail.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/unit/libudpserver/control/control_fixture.hpp"

using namespace control;

namespace {

struct TailStage : ControlStage {
    std::string path = folder.path + "/the.log";
    std::unique_ptr<LogTail> tail;

    void serve_file() {
        serve();
        tail = std::make_unique<LogTail>(io, path, "", std::chrono::milliseconds(1));
        tail->add_to(*server);
    }
    void append(const std::string& text) const { std::ofstream(path, std::ios::app) << text; }
    static std::string line(ControlCaller& caller, std::size_t index) {
        return caller.row(index).find("line")->text;
    }
};

std::string numbered(int from, int to) {
    std::string text;
    for (int i = from; i <= to; ++i)
        text += "line " + std::to_string(i) + "\n";
    return text;
}

}  // namespace

TEST_CASE("log-tail gives the last lines of the log file") {
    TailStage stage;
    stage.append(numbered(1, 50) + "half");
    stage.serve_file();
    auto caller = stage.call();
    caller.ask("log-tail", R"({"lines": 3})");
    stage.until_ends(caller, 1);
    REQUIRE(caller.lines().size() == 4);
    CHECK(stage.line(caller, 0) == "line 48");
    CHECK(stage.line(caller, 2) == "line 50");
    caller.ask("log-tail");
    stage.until_ends(caller, 2);
    CHECK(caller.lines().size() == 4 + LogTail::default_lines + 1);
}

TEST_CASE("of a large file only the end is read, and no line of it is half") {
    TailStage stage;
    stage.append(numbered(1, 100'000));
    stage.serve_file();
    auto caller = stage.call();
    caller.ask("log-tail", R"({"lines": 1000})");
    stage.until_ends(caller, 1);
    REQUIRE(caller.lines().size() == 1001);
    CHECK(stage.line(caller, 0) == "line 99001");
}

TEST_CASE("an answer with fewer lines than asked for and than the file has says so") {
    TailStage stage;
    stage.append(std::string(300'000, 'x') + "\n" + numbered(1, 3));
    stage.serve_file();
    auto caller = stage.call();
    caller.ask("log-tail", R"({"lines": 4})");
    stage.until_ends(caller, 1);
    REQUIRE(caller.lines().size() == 5);
    CHECK(caller.row(0).find("note")->text ==
          "only the last 256KiB are read: 3 lines; " + stage.path + " has the others");
    CHECK(stage.line(caller, 1) == "line 1");
    caller.ask("log-tail", R"({"lines": 3})");
    stage.until_ends(caller, 2);
    CHECK(caller.lines().size() == 9);
}

TEST_CASE("the parent does not wait for a disk that has the lines [E-6]") {
    TailStage stage;
    stage.append(numbered(1, 20'000));
    const base::UniqueFd file(::open(stage.path.c_str(), O_RDONLY));
    REQUIRE(::fsync(file.get()) == 0);
    REQUIRE(::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED) == 0);
    stage.serve_file();
    auto caller = stage.call();
    caller.ask("log-tail", R"({"lines": 1000})");
    stage.until_ends(caller, 1);
    REQUIRE(caller.lines().size() == 1001);
    CHECK(stage.line(caller, 0) == "line 19001");
}

TEST_CASE("a follower gets each line that comes, also after a rotation [K-18]") {
    TailStage stage;
    stage.append(numbered(1, 2));
    stage.serve_file();
    auto caller = stage.call();
    caller.ask("log-tail", R"({"lines": 1, "follow": true})");
    stage.until([&] { return caller.lines().size() == 1; });
    stage.append("ha");
    stage.append("lf\n");
    stage.until([&] { return caller.lines().size() == 2; });
    CHECK(stage.line(caller, 1) == "half");
    ::rename(stage.path.c_str(), (stage.path + ".1").c_str());
    std::ofstream(stage.path + ".1", std::ios::app) << "last of the old\n";
    stage.append("first of the new\n");
    stage.until([&] { return caller.lines().size() == 4; });
    CHECK(stage.line(caller, 2) == "last of the old");
    CHECK(stage.line(caller, 3) == "first of the new");
    std::ofstream(stage.path, std::ios::trunc) << "cut\n";
    stage.until([&] { return caller.lines().size() == 5; });
    CHECK(stage.line(caller, 4) == "cut");
}

TEST_CASE("log-tail reads a bounded part of the file and of a line") {
    TailStage stage;
    stage.append("first\n" + std::string(LogTail::max_bytes, 'x') + "\nlast\n");
    stage.serve_file();
    auto caller = stage.call();
    caller.ask("log-tail", R"({"lines": 1, "follow": true})");
    stage.until([&] { return caller.lines().size() == 1; });
    CHECK(stage.line(caller, 0) == "last");
    stage.append(std::string(10 * LogTail::max_bytes, 'y') + "\nnext\n");
    stage.until([&] { return caller.lines().size() == 3; });
    CHECK(stage.line(caller, 1).size() <= 16 * 1024);
    CHECK(stage.line(caller, 2) == "next");
}

TEST_CASE("a follower that goes leaves nothing behind") {
    TailStage stage;
    stage.append("one\n");
    stage.serve_file();
    const int before = count_descriptors();
    {
        auto caller = stage.call();
        caller.ask("log-tail", R"({"follow": true})");
        stage.until([&] { return caller.lines().size() == 1; });
    }
    stage.until([&] { return count_descriptors() == before; });
}

TEST_CASE("log-tail says why it has no lines") {
    TailStage stage;
    stage.serve_file();
    auto caller = stage.call();
    caller.ask("log-tail");
    stage.until_ends(caller, 1);
    CHECK(caller.last().code == control::Code::failed);
    CHECK(caller.last().text.find("the.log") != std::string::npos);
    REQUIRE(::mkfifo(stage.path.c_str(), 0600) == 0);
    caller.ask("log-tail");
    stage.until_ends(caller, 2);
    CHECK(caller.last().code == control::Code::failed);
    caller.ask("log-tail", R"({"lines": 1001})");
    stage.until_ends(caller, 3);
    CHECK(caller.last().code == control::Code::usage);
}

TEST_CASE("a log that is no file is refused with where it goes") {
    ControlStage stage;
    stage.serve();
    LogTail tail(stage.io, "", "syslog");
    tail.add_to(*stage.server);
    auto caller = stage.call();
    caller.ask("log-tail");
    stage.until_ends(caller, 1);
    CHECK(caller.last().code == control::Code::refused);
    CHECK(caller.last().text.find("syslog") != std::string::npos);
}
