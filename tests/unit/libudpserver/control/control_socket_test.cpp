#include "libudpserver/control/control_socket.hpp"

#include <fcntl.h>

#include <catch2/catch.hpp>

#include "base/fatal.hpp"
#include "tests/unit/libudpserver/control/control_fixture.hpp"

using namespace control;
using Catch::Matchers::Contains;

namespace {

std::string failure_of(const ControlSettings& settings) {
    try {
        const ControlSocket socket(settings);
    } catch (const base::Fatal& error) {
        return error.what();
    }
    return "none";
}

struct stat status_of(const std::string& path) {
    struct stat status {};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status;
}

struct SocketFolder {
    TempFolder folder;
    ControlSettings settings;
    SocketFolder() { settings.path = folder.path + "/c.sock"; }
};

}  // namespace

TEST_CASE("the socket has its mode whatever the umask is, and is removed at the end") {
    SocketFolder test;
    const mode_t before = ::umask(GENERATE(0, 022, 0777));
    test.settings.mode = GENERATE(0600u, 0660u, 0777u);
    {
        const ControlSocket socket(test.settings);
        const auto status = status_of(test.settings.path);
        CHECK(S_ISSOCK(status.st_mode));
        CHECK((status.st_mode & 07777) == test.settings.mode);
        CHECK(ControlCaller(test.settings.path).connected());
        CHECK((::fcntl(socket.descriptor(), F_GETFD) & FD_CLOEXEC) != 0);
    }
    CHECK_FALSE(std::filesystem::exists(test.settings.path));
    ::umask(before);
}

TEST_CASE("the socket file gets its group") {
    SocketFolder test;
    test.settings.file_group = 54400;
    if (::geteuid() != 0) {
        CHECK_THAT(failure_of(test.settings),
                   Contains("cannot be given to group 54400") && Contains("control.group"));
        CHECK_FALSE(std::filesystem::exists(test.settings.path));
        return;
    }
    const ControlSocket socket(test.settings);
    CHECK(status_of(test.settings.path).st_gid == 54400);
}

TEST_CASE("a socket that a crash left behind is replaced [O-45]") {
    SocketFolder test;
    const pid_t crashed = ::fork();
    if (crashed == 0) {
        const ControlSocket socket(test.settings);
        ::_exit(0);  // without its destructor
    }
    REQUIRE(wait_for(crashed) == 0);
    REQUIRE(std::filesystem::exists(test.settings.path));
    CHECK_FALSE(ControlCaller(test.settings.path).connected());
    const ControlSocket socket(test.settings);
    CHECK(ControlCaller(test.settings.path).connected());
}

TEST_CASE("a socket on which a process listens is left alone, also when its queue is full") {
    SocketFolder test;
    const ControlSocket first(test.settings);
    CHECK_THAT(failure_of(test.settings), Contains(test.settings.path) && Contains("another process uses") &&
                                              Contains("control.socket"));
    std::vector<ControlCaller> queue;
    do {
        queue.emplace_back(test.settings.path);
    } while (queue.back().connected() && queue.size() < 1000);
    REQUIRE_FALSE(queue.back().connected());
    CHECK_THAT(failure_of(test.settings), Contains("another process uses"));
    CHECK(status_of(test.settings.path).st_ino != 0);
}

TEST_CASE("a file that is no socket is never removed") {
    SocketFolder test;
    SECTION("a regular file") {
        std::ofstream(test.settings.path) << "precious";
    }
    SECTION("a folder") {
        std::filesystem::create_directory(test.settings.path);
    }
    SECTION("a symbolic link") {
        std::filesystem::create_symlink("nowhere", test.settings.path);
    }
    CHECK_THAT(failure_of(test.settings), Contains("not a socket") && Contains("control.socket"));
    CHECK(std::filesystem::symlink_status(test.settings.path).type() !=
          std::filesystem::file_type::not_found);
}

TEST_CASE("a socket that another process put in the place of ours is not removed at the end") {
    SocketFolder test;
    ControlSettings aside = test.settings;
    aside.path += ".new";
    auto first = std::make_unique<ControlSocket>(test.settings);
    const ControlSocket second(aside);
    std::filesystem::rename(aside.path, test.settings.path);
    first.reset();
    CHECK(ControlCaller(test.settings.path).connected());
    std::filesystem::remove(test.settings.path);
}

TEST_CASE("a child that destroys its copy removes nothing") {
    SocketFolder test;
    auto socket = std::make_unique<ControlSocket>(test.settings);
    const pid_t child = ::fork();
    if (child == 0) {
        socket.reset();
        ::_exit(0);
    }
    REQUIRE(wait_for(child) == 0);
    CHECK(ControlCaller(test.settings.path).connected());
}

TEST_CASE("the directory is made where that is allowed, and only its last part") {
    SocketFolder test;
    test.settings.path = test.folder.path + "/run/c.sock";
    CHECK_THAT(failure_of(test.settings), Contains("No such file or directory; create its directory"));
    test.settings.make_directory = true;
    {
        const ControlSocket socket(test.settings);
        CHECK((status_of(test.folder.path + "/run").st_mode & 07777) == 0755);
    }
    CHECK(failure_of(test.settings) == "none");  // it is there already
    test.settings.path = test.folder.path + "/a/b/c.sock";
    CHECK_THAT(failure_of(test.settings), Contains("cannot get its directory"));
}

TEST_CASE("a path that is too long for a socket says how long it may be") {
    SocketFolder test;
    test.settings.path = test.folder.path + "/" + std::string(108, 'x');
    CHECK_THAT(failure_of(test.settings), Contains("the limit is 107"));
}
