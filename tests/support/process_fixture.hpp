#pragma once

#include <dirent.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <system_error>

#include "base/log.hpp"
#include "base/signals.hpp"
#include "libudpserver/process/child_runtime.hpp"
#include "libudpserver/process/supervisor.hpp"

using namespace std::chrono_literals;

struct TempFolder {
    std::string path;
    TempFolder() {
        char name[] = "/tmp/proxyd-test-XXXXXX";
        path = ::mkdtemp(name);
        std::filesystem::permissions(path,
                                     std::filesystem::perms::all);  // for children that change their user
    }
    ~TempFolder() { std::filesystem::remove_all(path); }
};

inline std::string read_text(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

inline int count_of(const std::string& text, const std::string& part) {
    int count = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++count;
    return count;
}

/// The exit status of a process of ours, 1000 + signal when it was killed; fails after ten seconds.
inline int wait_for(pid_t pid, std::chrono::milliseconds limit = 10s) {
    const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    pollfd poll{fd, POLLIN, 0};
    int ready = -1;
    do {
        ready = ::poll(&poll, 1, static_cast<int>(limit.count()));
    } while (ready < 0 && errno == EINTR);  // the SIGCHLD of this exit, for example
    const bool ended = ready == 1;
    ::close(fd);
    if (!ended) ::kill(pid, SIGKILL);
    int status = 0;
    ::waitpid(pid, &status, 0);
    REQUIRE(ended);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/// How many descriptors this process has open, the directory's own one not counted.
inline int count_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<int>(std::distance(begin(all), end(all))) - 1;
}

/// As long as it lives, this process can open nothing.
struct NoMoreDescriptors {
    rlimit before{};
    NoMoreDescriptors() {
        // The sanitizer for undefined behaviour opens a pipe when it meets the first object of a type.
        try {
            throw std::system_error(EMFILE, std::system_category(), "warm-up");
        } catch (const std::system_error& error) {
            REQUIRE(error.what() != nullptr);
        }
        ::getrlimit(RLIMIT_NOFILE, &before);
        const rlimit none{0, before.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &none);
    }
    ~NoMoreDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before); }
};

/// What children report to the test, in shared memory.
struct Board {
    std::atomic<int> starts, fresh, stops, ends, infos, level, pid, value;
};

/// A loop, a supervisor and a log for roles in this program.
struct Stage {
    TempFolder folder;
    Board* board;
    boost::asio::io_context io;
    base::SignalInbox inbox;
    process::Settings settings;
    std::unique_ptr<process::Supervisor> supervisor;

    Stage()
        : board(static_cast<Board*>(
              ::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
        // Children that crash on purpose: no core, no report by the test framework's own handlers.
        const rlimit none{0, 0};
        ::setrlimit(RLIMIT_CORE, &none);
        for (int fault : {SIGSEGV, SIGABRT, SIGFPE, SIGILL})
            std::signal(fault, SIG_DFL);
        base::LogSettings log;
        log.target = base::LogTarget::file;
        log.path = log_path();
        log.level = base::LogLevel::debug;
        base::log::open(log, "stage", true);
        settings.name = "stage";
        settings.heartbeat = 60s;
        settings.stop_timeout = 60s;
        settings.max_restarts = {100, 60s};
        settings.ends_in_crash_loop = true;
    }
    ~Stage() {
        if (supervisor)
            for (const auto& child : supervisor->children())
                if (child->is_running()) {
                    child->signal(SIGKILL);
                    ::waitpid(child->status().pid, nullptr, 0);
                }
        supervisor.reset();
        base::log::set_level(base::LogLevel::normal);
        ::munmap(board, sizeof(Board));
    }

    std::string log_path() const { return folder.path + "/log"; }
    std::string log() const { return read_text(log_path()); }

    process::Supervisor& make() {
        supervisor = std::make_unique<process::Supervisor>(io, settings, inbox);
        return *supervisor;
    }

    /// A role that is restarted fast; `run` also receives the board.
    process::Role role(std::function<int(process::ChildRuntime&, Board&)> run,
                       ipc::Party party = ipc::Party::reg) {
        return {std::string(ipc::to_string(party)),
                party,
                {0ms, 1ms, 1ms},
                [run = std::move(run), shown = board](process::ChildRuntime& runtime) {
                    ++shown->starts;
                    if (runtime.fresh_start()) ++shown->fresh;
                    return run(runtime, *shown);
                },
                {}};
    }

    /// A role that serves until it receives a stop.
    process::Role good_role(ipc::Party party = ipc::Party::reg) {
        return role(
            [](process::ChildRuntime& runtime, Board& shown) {
                runtime.on_stop([&] {
                    ++shown.stops;
                    runtime.finish(0);
                });
                runtime.on_leave([&] {
                    ++shown.ends;
                    runtime.finish(0);
                });
                runtime.on_info([&] { ++shown.infos; });
                runtime.report_ready();
                return runtime.run();
            },
            party);
    }

    void until(const std::function<bool()>& condition) {
        const auto deadline = std::chrono::steady_clock::now() + 10s;
        // The turns are short: a child may change the board without waking this loop.
        while (!condition() && std::chrono::steady_clock::now() < deadline) {
            if (io.stopped()) io.restart();
            io.run_one_for(5ms);
        }
        if (!condition()) FAIL("not within ten seconds; the log says\n" << log());
    }
    void until_ready() {
        until([this] { return supervisor->all_ready(); });
    }
    void until_finished() {
        until([this] { return supervisor->exit_status().has_value(); });
    }
};
