#include "libudpserver/process/spawn.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <cerrno>
#include <cstddef>
#include <set>
#include <span>
#include <utility>

#include "base/pass_rights.hpp"
#include "libudpserver/ipc/channel.hpp"
#include "libudpserver/ipc/descriptors.hpp"
#include "tests/support/process_fixture.hpp"

using namespace process;
using Catch::Matchers::Contains;

namespace {

std::set<int> open_descriptors() {
    std::set<int> open;
    DIR* directory = ::opendir("/proc/self/fd");
    while (const dirent* entry = ::readdir(directory))
        if (entry->d_name[0] != '.') open.insert(std::atoi(entry->d_name));
    open.erase(::dirfd(directory));
    ::closedir(directory);
    return open;
}

std::string line_of(const std::string& path, const std::string& key) {
    std::ifstream file(path);
    std::string line;
    while (std::getline(file, line))
        if (line.starts_with(key)) return line.substr(line.find_first_not_of(" \t", key.size()));
    return "";
}

/// Runs `look` in a spawned child and gives its exit status.
int run_in_child(Stage& stage, std::function<int(ChildRuntime&)> look, std::vector<int> keep = {}) {
    Role role{"REG", ipc::Party::reg, forwarding_speed, std::move(look), [keep] { return keep; }};
    const auto spawned = spawn(role, stage.settings, false);
    return wait_for(spawned.pid);
}

}  // namespace

TEST_CASE("a child has only the descriptors of its role open") {
    Stage stage;
    const base::UniqueFd needed(::open("/dev/null", O_RDONLY)), other(::open("/dev/null", O_RDONLY));
    const base::UniqueFd far(::fcntl(other.get(), F_DUPFD, 500));
    auto& supervisor = stage.make();  // its loop has an epoll set and a timer
    supervisor.start();
    const int kept = needed.get();
    const auto look = [kept](ChildRuntime& runtime) {
        std::set<int> expected{0, 1, 2, kept, runtime.parent().descriptor()};
        for (int fd : base::log::descriptors())
            expected.insert(fd);
        std::set<int> surplus;
        for (int fd : open_descriptors())
            if (!expected.contains(fd)) surplus.insert(fd);
        // The runtime's own: the signal inbox, and the loop's epoll set, timer and interrupter; and the
        // parent, whose exit the child waits for.
        std::set<std::string> kinds;
        for (int fd : surplus) {
            char target[64] = {};
            const std::string path = "/proc/self/fd/" + std::to_string(fd);
            if (::readlink(path.c_str(), target, sizeof target - 1) < 0) return 2;
            kinds.insert(target);
        }
        for (int fd : expected)
            if (::fcntl(fd, F_GETFD) < 0) return 3;
        const std::set<std::string> own{"anon_inode:[eventfd]", "anon_inode:[eventpoll]",
                                        "anon_inode:[timerfd]", "anon_inode:[pidfd]"};
        if (kinds != own || surplus.size() != 5) return 4;
        return 0;
    };
    CHECK(run_in_child(stage, look, {kept, kept, -1}) == 0);
}

TEST_CASE("close_all_but keeps the given descriptors and closes all others, high numbers too") {
    const base::UniqueFd a(::open("/dev/null", O_RDONLY)), b(::open("/dev/null", O_RDONLY));
    const base::UniqueFd far(::fcntl(a.get(), F_DUPFD, 900));
    const pid_t child = ::fork();
    if (child == 0) {
        close_all_but({far.get(), 2, -1, a.get(), a.get(), 1, 100000});
        const bool right = open_descriptors() == std::set<int>{1, 2, a.get(), far.get()};
        ::_exit(right ? 0 : 1);
    }
    CHECK(wait_for(child) == 0);
    const pid_t empty = ::fork();
    if (empty == 0) {
        close_all_but({});
        ::_exit(::fcntl(0, F_GETFD) < 0 && ::fcntl(2, F_GETFD) < 0 ? 0 : 1);
    }
    CHECK(wait_for(empty) == 0);
}

TEST_CASE("a child leads its own session, blocks no signal and is named after its role") {
    Stage stage;
    CHECK(run_in_child(stage, [](ChildRuntime& runtime) {
              if (::getsid(0) != ::getpid()) return 1;
              sigset_t mask;
              ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
              for (int number = 1; number < SIGRTMIN; ++number)
                  if (::sigismember(&mask, number) == 1) return 2;
              if (line_of("/proc/self/status", "Name:") != "proxyd[REG]") return 3;
              if (runtime.role() != "REG") return 4;
              int signal = 0;
              ::prctl(PR_GET_PDEATHSIG, &signal);
              if (signal != SIGTERM) return 5;
              return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 6;
          }) == 0);
}

TEST_CASE("the signal mask of the parent is as before after a spawn") {
    Stage stage;
    sigset_t before, after;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
    run_in_child(stage, [](ChildRuntime&) { return 0; });
    ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
    for (int number = 1; number < SIGRTMIN; ++number)
        CHECK(::sigismember(&before, number) == ::sigismember(&after, number));
}

TEST_CASE("a child runs as the configured user without capabilities [K-12]") {
    if (::geteuid() != 0) return;
    Stage stage;
    stage.settings.user = base::find_user("nobody");
    const auto uid = stage.settings.user->uid;
    CHECK(run_in_child(stage, [uid](ChildRuntime&) {
              if (::getuid() != uid || ::geteuid() != uid) return 1;
              if (::setuid(0) == 0) return 2;
              for (const char* set : {"CapInh:", "CapPrm:", "CapEff:", "CapAmb:"})
                  if (line_of("/proc/self/status", set) != "0000000000000000") return 3;
              int signal = 0;
              ::prctl(PR_GET_PDEATHSIG, &signal);
              return signal == SIGTERM ? 0 : 4;
          }) == 0);
}

TEST_CASE("a child that cannot become its user does not run its role [K-12]") {
    if (::geteuid() != 0) return;
    Stage stage;
    stage.settings.user = base::User{"root", 0, 0, "root"};

    CHECK(run_in_child(stage, [](ChildRuntime&) { return 0; }) == 1);

    CHECK_THAT(stage.log(), Contains("UDPS-228-C") && Contains("root"));
}

TEST_CASE("children of a daemon let go of the terminal, except where the log goes") {
    Stage stage;
    stage.settings.foreground = false;
    const auto look = [](ChildRuntime&) {
        for (int fd : {0, 1, 2}) {
            char target[64] = {};
            if (::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), target, sizeof target - 1) < 0)
                return 1;
            if (std::string(target) != "/dev/null") return 2;
        }
        return 0;
    };
    CHECK(run_in_child(stage, look) == 0);
}

TEST_CASE("what a child says last is in the log before it is gone") {
    Stage stage;
    CHECK(run_in_child(stage, [](ChildRuntime&) {
              base::log::write(base::msg::child_hung, "my last words");
              return 5;
          }) == 5);
    CHECK_THAT(stage.log(), Contains("my last words") && Contains("[REG]"));
}

TEST_CASE("no process is made when the role cannot tell its descriptors") {
    Stage stage;
    Role role{"REG", ipc::Party::reg, forwarding_speed, [](ChildRuntime&) { return 0; },
              []() -> std::vector<int> { throw std::runtime_error("none"); }};
    CHECK_THROWS_WITH(spawn(role, stage.settings, false), "none");
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("a child that sends descriptors gains nothing, and the parent keeps none [E-7]") {
    Stage stage;
    const auto flood = [](ChildRuntime& runtime) {
        const int fd = STDIN_FILENO;
        const std::array<std::byte, 8> packet{};
        const int error = ipc::send_packet(runtime.parent().descriptor(), packet, std::span(&fd, 1));
        for (int i = 0; i < 100; ++i)
            static_cast<void>(ipc::send_packet(runtime.parent().descriptor(), packet, std::span(&fd, 1)));
        return error;
    };
    const Role role{"REG", ipc::Party::reg, forwarding_speed, flood, {}};
    auto spawned = spawn(role, stage.settings, false);
    const auto [probe, other] = ipc::link_pair();
    const bool kernel_refuses = base::refuse_descriptors(probe.get());
    boost::asio::io_context io;
    const ipc::Channel parent(io, std::move(spawned.link), ipc::Party::parent, ipc::Party::reg);
    const int before = count_descriptors();
    const int error = wait_for(spawned.pid);
    io.poll();
    CHECK(count_descriptors() <= before);
    if (kernel_refuses) CHECK(error == EPERM);
}

TEST_CASE("a role knows whether it has to start afresh") {
    Stage stage;
    Role role{"REG",
              ipc::Party::reg,
              forwarding_speed,
              [](ChildRuntime& runtime) { return runtime.fresh_start() ? 1 : 0; },
              {}};
    CHECK(wait_for(spawn(role, stage.settings, true).pid) == 1);
    CHECK(wait_for(spawn(role, stage.settings, false).pid) == 0);
}
