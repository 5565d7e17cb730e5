#include "libudpserver/process/spawn.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <limits>
#include <system_error>

#include "base/log.hpp"
#include "base/privileges.hpp"
#include "base/process_title.hpp"
#include "base/signals.hpp"
#include "libudpserver/ipc/channel.hpp"
#include "libudpserver/process/child_runtime.hpp"
#include "libudpserver/process/terminal.hpp"

namespace process {

namespace log = base::log;
namespace msg = base::msg;

namespace {

/// What the new process knows at its birth.
struct Birth {
    const Role& role;
    const Settings& settings;
    std::vector<int> keep;
    base::UniqueFd link;
    pid_t parent;
    bool fresh_start;
};

void keep_only_own_descriptors(const Birth& birth) {
    std::vector<int> keep = log::descriptors();
    keep.insert(keep.end(), birth.keep.begin(), birth.keep.end());
    keep.insert(keep.end(), {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, birth.link.get()});
    close_all_but(std::move(keep));
}

int live(Birth& birth) {
    ::setsid();
    // A daemon's children would hold the terminal and the directory although their parent left them.
    if (!birth.settings.foreground) {
        leave_terminal();
        if (::chdir("/") != 0) return EXIT_FAILURE;
    }
    keep_only_own_descriptors(birth);
    base::set_process_title(birth.settings.name, birth.role.name);
    base::SignalInbox signals;
    log::become(birth.role.name, false);
    if (birth.settings.user)
        base::drop_privileges(*birth.settings.user);
    else
        base::forbid_new_privileges();
    // A change of the user clears the parent-death signal, so it is asked for after it.
    if (!base::die_with_parent(birth.parent, SIGTERM)) return EXIT_SUCCESS;
    // The log's thread starts last: it inherits what this one may do, and its blocked signals.
    if (birth.settings.log_in_background) log::become(birth.role.name, true);
    base::unblock_all();
    ChildRuntime runtime({birth.role.name, birth.role.party, birth.parent, birth.fresh_start},
                         std::move(birth.link), signals);
    return birth.role.run(runtime);
}

// The way out is always _exit: to return or to throw would run the parent's loop and the destructors of its
// objects in here. They share the parent's epoll set, and would remove the parent's own sockets from it.
[[noreturn]] void child_main(Birth& birth) {
    int status = EXIT_FAILURE;
    try {
        status = live(birth);
    } catch (const std::exception& error) {
        log::write(msg::child_failed, "{}: cannot go on: {}", birth.role.name, error.what());
    } catch (...) {
        log::write(msg::child_failed, "{}: cannot go on: unknown exception", birth.role.name);
    }
    log::flush_and_close();
    ::_exit(status);
}

}  // namespace

void close_all_but(std::vector<int> keep) {
    std::ranges::sort(keep);
    unsigned next = 0;  // everything below is done
    for (int fd : keep) {
        if (fd < 0 || static_cast<unsigned>(fd) < next) continue;
        const auto kept = static_cast<unsigned>(fd);
        if (kept > next) ::close_range(next, kept - 1, 0);
        next = kept + 1;
    }
    ::close_range(next, std::numeric_limits<unsigned>::max(), 0);
}

Spawned spawn(const Role& role, const Settings& settings, bool fresh_start) {
    auto [ours, theirs] = ipc::link_pair();
    Birth birth{role,       settings,   role.keep ? role.keep() : std::vector<int>(), std::move(theirs),
                ::getpid(), fresh_start};
    // Until the child has its own handlers, a signal would do to it what the parent's handlers do, or kill
    // it.
    const base::BlockSignals quiet;
    const pid_t pid = ::fork();
    if (pid < 0) throw std::system_error(errno, std::system_category(), "fork");
    if (pid == 0) child_main(birth);
    return {pid, std::move(ours)};
}

}  // namespace process
