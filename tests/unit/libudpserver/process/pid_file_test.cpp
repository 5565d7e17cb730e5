#include "libudpserver/process/pid_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <memory>

#include "base/fatal.hpp"
#include "tests/support/process_fixture.hpp"

using namespace process;
using Catch::Matchers::Contains;

namespace {

std::string refusal(const std::string& path) {
    try {
        const PidFile file(path);
    } catch (const base::Fatal& error) {
        return error.what();
    }
    return "";
}

bool exists(const std::string& path) {
    return ::access(path.c_str(), F_OK) == 0;
}

}  // namespace

TEST_CASE("the pid file holds the pid, is readable by all, and goes with its owner") {
    TempFolder folder;
    const std::string path = folder.path + "/pid";
    {
        const PidFile file(path);
        CHECK(read_text(path) == std::to_string(::getpid()) + "\n");
        struct stat status {};
        ::stat(path.c_str(), &status);
        CHECK((status.st_mode & 0777) == 0644);
    }
    CHECK_FALSE(exists(path));
}

TEST_CASE("a second owner is refused with the pid of the first") {
    TempFolder folder;
    const std::string path = folder.path + "/pid";
    const PidFile file(path);
    CHECK_THAT(refusal(path),
               Contains("already running with pid " + std::to_string(::getpid())) && Contains(path));
    CHECK(read_text(path) == std::to_string(::getpid()) + "\n");
}

TEST_CASE("a locked file without a pid in it is refused, too") {
    TempFolder folder;
    const std::string path = folder.path + "/pid";
    const base::UniqueFd other(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    REQUIRE(::flock(other.get(), LOCK_EX | LOCK_NB) == 0);
    CHECK_THAT(refusal(path), Contains("already running with pid unknown"));
    REQUIRE(::write(other.get(), "nonsense", 8) == 8);
    CHECK_THAT(refusal(path), Contains("already running with pid unknown"));
}

TEST_CASE("a file that a crash left behind is taken over, longer content included") {
    TempFolder folder;
    const std::string path = folder.path + "/pid";
    std::ofstream(path) << "99999999999999\nand more\n";
    const PidFile file(path);
    CHECK(read_text(path) == std::to_string(::getpid()) + "\n");
}

TEST_CASE("a missing directory is a clear refusal") {
    TempFolder folder;
    const std::string path = folder.path + "/none/pid";
    CHECK_THAT(refusal(path),
               Contains(path) && Contains("No such file or directory") && Contains("create its directory"));
}

TEST_CASE("a directory or a symbolic link in the place of the pid file is refused and left alone") {
    TempFolder folder;
    CHECK_THAT(refusal(folder.path), Contains("Is a directory"));
    const std::string victim = folder.path + "/victim", link = folder.path + "/link";
    std::ofstream(victim) << "precious";
    REQUIRE(::symlink(victim.c_str(), link.c_str()) == 0);
    CHECK_THAT(refusal(link), Contains("symbolic link"));
    CHECK(read_text(victim) == "precious");
}

TEST_CASE("the lock outlives a fork, and a child does not remove the file") {
    TempFolder folder;
    const std::string path = folder.path + "/pid";
    auto file = std::make_unique<PidFile>(path);
    const pid_t child = ::fork();
    if (child == 0) {
        file.reset();
        ::_exit(0);
    }
    CHECK(wait_for(child) == 0);
    CHECK(exists(path));
    CHECK_FALSE(refusal(path).empty());
}

TEST_CASE("a file that another process put in the place of ours stays") {
    TempFolder folder;
    const std::string path = folder.path + "/pid";
    {
        const PidFile file(path);
        REQUIRE(::unlink(path.c_str()) == 0);
        std::ofstream(path) << "other";
    }
    CHECK(read_text(path) == "other");
}

TEST_CASE("a device or a second name of another file is refused and left alone") {
    TempFolder folder;
    const std::string victim = folder.path + "/victim", second = folder.path + "/second",
                      pipe = folder.path + "/pipe";
    std::ofstream(victim) << "precious";
    REQUIRE(::link(victim.c_str(), second.c_str()) == 0);
    CHECK_THAT(refusal(second), Contains("hard links"));
    CHECK(read_text(victim) == "precious");
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK_THAT(refusal(pipe), Contains("not a regular file"));
    CHECK(exists(pipe));
}
