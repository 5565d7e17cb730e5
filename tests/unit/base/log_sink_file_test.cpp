#include "base/log_sink_file.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <csignal>

#include <catch2/catch.hpp>

#include "tests/unit/base/forked.hpp"
#include "tests/unit/base/log_directory.hpp"

using namespace base;
using Catch::Contains;

namespace {

const log::LineFormat format(LogFormat::text, {"gw", "REG", 7});

bool write(log::Sink& sink, std::string_view body) {
    return sink.write(format, {std::chrono::system_clock::time_point{}, "TEST-110-N", body});
}

struct stat status_of(const std::string& path) {
    struct stat status {};
    ::stat(path.c_str(), &status);
    return status;
}

}  // namespace

TEST_CASE("a log file is appended to, for its owner and group only") {
    LogDirectory directory;
    const mode_t before = ::umask(0);
    {
        log::FileSink sink(directory.path("log"), -1);
        CHECK(write(sink, "one"));
    }
    ::umask(before);
    log::FileSink sink(directory.path("log"), -1);
    CHECK(write(sink, "two"));
    CHECK(directory.content("log") ==
          "1970-01-01T00:00:00.000Z gw[REG] 7 TEST-110-N one\n1970-01-01T00:00:00.000Z gw[REG] 7 TEST-110-N "
          "two\n");
    CHECK((status_of(directory.path("log")).st_mode & 0777) == 0640);
    const int fd = sink.descriptors().front();
    CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((::fcntl(fd, F_GETFL) & (O_NONBLOCK | O_APPEND)) == (O_NONBLOCK | O_APPEND));
}

TEST_CASE("a log file that cannot be opened is an error with path and reason") {
    LogDirectory directory;
    const auto missing = directory.path("none/log");
    CHECK_THROWS_WITH(log::FileSink(missing, -1),
                      Contains(missing) && Contains("directory") && Contains("does not exist"));
    CHECK_THROWS_WITH(log::FileSink(directory.path(""), -1), Contains("Is a directory"));
    CHECK_THROWS_AS(log::FileSink("", -1), std::runtime_error);
    const auto pipe = directory.path("pipe");
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK_THROWS_WITH(log::FileSink(pipe, -1), Contains("pipe"));
}

TEST_CASE("lines after a rename and a reopen are in the new file [K-18]") {
    LogDirectory directory;
    log::FileSink sink(directory.path("log"), -1);
    write(sink, "one");
    std::filesystem::rename(directory.path("log"), directory.path("log.1"));
    write(sink, "two");
    CHECK(sink.reopen());
    write(sink, "three");
    CHECK(directory.lines("log.1").size() == 2);
    REQUIRE(directory.lines("log").size() == 1);
    CHECK(directory.lines("log").front().ends_with("three"));
}

TEST_CASE("a reopen that fails keeps the old file [K-18]") {
    LogDirectory directory;
    std::filesystem::create_directory(directory.path("sub"));
    log::FileSink sink(directory.path("sub/log"), -1);
    std::filesystem::rename(directory.path("sub"), directory.path("moved"));
    CHECK_THROWS_WITH(sink.reopen(), Contains("sub/log"));
    CHECK(write(sink, "still here"));
    CHECK(directory.content("moved/log").find("still here") != std::string::npos);
}

TEST_CASE("the file is given to the owner who must reopen it later, but nothing else is") {
    if (::geteuid() != 0) {
        WARN("not root: not checked");
        return;
    }
    LogDirectory directory;
    log::FileSink fresh(directory.path("log"), 65534);
    CHECK(status_of(directory.path("log")).st_uid == 65534);

    std::ofstream(directory.path("old")) << "old\n";
    log::FileSink existing(directory.path("old"), 65534);
    CHECK(status_of(directory.path("old")).st_uid == 65534);

    // Otherwise a user with write access to the directory could make root give away any file.
    std::ofstream(directory.path("secret")) << "secret\n";
    std::filesystem::create_symlink(directory.path("secret"), directory.path("link"));
    log::FileSink through_link(directory.path("link"), 65534);
    CHECK(status_of(directory.path("secret")).st_uid == 0);
    std::filesystem::create_hard_link(directory.path("secret"), directory.path("hard"));
    log::FileSink through_name(directory.path("hard"), 65534);
    CHECK(status_of(directory.path("secret")).st_uid == 0);
    log::FileSink device("/dev/null", 65534);
    CHECK(status_of("/dev/null").st_uid == 0);
}

TEST_CASE("root follows its own links to the log, but nobody else's") {
    if (::geteuid() != 0) {
        WARN("not root: not checked");
        return;
    }
    LogDirectory directory;
    const auto link = directory.path("link"), secret = directory.path("secret");
    std::filesystem::create_symlink(secret, link);
    log::FileSink own(link, 65534);
    CHECK(write(own, "through the link"));
    REQUIRE(::lchown(link.c_str(), 65534, 65534) == 0);
    const auto before = directory.content("secret");
    CHECK_THROWS_WITH(log::FileSink(link, 65534), Catch::Matchers::Contains("symbolic link of another user"));
    // A link that takes the place of the file while it is in use.
    CHECK_THROWS_AS(own.reopen(), std::runtime_error);
    CHECK(write(own, "still the old file"));
    CHECK(directory.content("secret").size() > before.size());
}

TEST_CASE("a full disk loses lines and nothing else") {
    log::FileSink sink("/dev/full", -1);
    CHECK_FALSE(write(sink, "lost"));
    CHECK_FALSE(write(sink, "lost"));
}

TEST_CASE("after half a line the next one begins on a line of its own") {
    LogDirectory directory;
    const int status = in_child([&] {
        ::signal(SIGXFSZ, SIG_IGN);
        log::FileSink sink(directory.path("log"), -1);
        const rlimit small{70, RLIM_INFINITY}, open{RLIM_INFINITY, RLIM_INFINITY};
        if (!write(sink, "one")) return 1;
        ::setrlimit(RLIMIT_FSIZE, &small);
        if (write(sink, "two")) return 2;
        if (write(sink, "three")) return 3;
        ::setrlimit(RLIMIT_FSIZE, &open);
        return write(sink, "four") ? 0 : 4;
    });
    CHECK(status == 0);
    const auto lines = directory.lines("log");
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].ends_with("one"));
    CHECK(lines[1].size() == 70 - lines[0].size() - 1);
    CHECK(lines[2].ends_with("N four"));
}

TEST_CASE("a file that was closed behind its back is opened anew, and its number left alone") {
    LogDirectory directory;
    log::FileSink sink(directory.path("log"), -1);
    const int fd = sink.descriptors().front();
    const int other = ::open("/dev/null", O_RDONLY);
    REQUIRE(::dup2(other, fd) == fd);
    sink.after_fork("");
    CHECK(sink.descriptors().front() != fd);
    CHECK(::fcntl(fd, F_GETFD) >= 0);
    CHECK(write(sink, "here"));
    CHECK(directory.lines("log").size() == 1);
    ::close(fd);
    ::close(other);

    const int kept = sink.descriptors().front();
    sink.after_fork("");
    CHECK(sink.descriptors().front() == kept);
}

TEST_CASE("a reader of standard error who stopped never makes anybody wait") {
    CHECK(in_child([] {
              ::alarm(20);
              int ends[2];
              if (::pipe(ends) != 0) return 1;
              ::dup2(ends[1], 2);
              log::StandardErrorSink sink;
              const std::string body(1000, 'x');
              int written = 0;
              while (written < 1000 && write(sink, body))
                  ++written;
              if (written < 10 || written == 1000) return 2;
              char buffer[65536];
              if (::read(ends[0], buffer, sizeof buffer) <= 0) return 3;
              if (!write(sink, body)) return 4;
              // The pipe is shared with others, who may count on its mode.
              return (::fcntl(ends[1], F_GETFL) & O_NONBLOCK) == 0 ? 0 : 5;
          }) == 0);
    CHECK(in_child([] {
              ::alarm(20);
              int ends[2];
              if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return 1;
              ::dup2(ends[1], 2);
              log::StandardErrorSink sink;
              int written = 0;
              while (written < 100'000 && write(sink, "a line"))
                  ++written;
              if (written < 10 || written == 100'000) return 2;
              ::close(ends[0]);
              return write(sink, "nobody") ? 3 : 0;
          }) == 0);
}
