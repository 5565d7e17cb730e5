#include "libudpserver/process/spawn.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <limits>
#include <new>
#include <string>
#include <system_error>

#include "base/log.hpp"
#include "base/pass_rights.hpp"
#include "base/privileges.hpp"
#include "base/process_title.hpp"
#include "base/signals.hpp"
#include "libudpserver/ipc/channel.hpp"
#include "libudpserver/ipc/messages.hpp"
#include "libudpserver/process/child_runtime.hpp"
#include "libudpserver/process/orphan_guard.hpp"
#include "libudpserver/process/terminal.hpp"

namespace process {

namespace log = base::log;
namespace msg = base::msg;

namespace {

/// What a new process needs to know.
struct ChildStart {
    const Role& role;
    const Settings& settings;
    std::vector<int> keep;
    base::UniqueFd link;
    pid_t parent;
    bool fresh_start;
};

void keep_only_own_descriptors(const ChildStart& start) {
    std::vector<int> keep = log::descriptors();
    keep.insert(keep.end(), start.keep.begin(), start.keep.end());
    keep.insert(keep.end(), {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, start.link.get()});
    close_all_but(std::move(keep));
}

int run_child(ChildStart& start) {
    ::setsid();
    log::become(start.role.name, false);
    // LOG writes their lines, and the terminal is not theirs. Those of a daemon must hold no folder either.
    if (log::is_relayed() || !start.settings.foreground) leave_terminal();
    if (!start.settings.foreground && ::chdir("/") != 0) return EXIT_FAILURE;
    keep_only_own_descriptors(start);
    base::set_process_title(start.settings.name, start.role.name);
    base::SignalInbox signals;
    if (start.settings.user)
        base::drop_privileges(*start.settings.user);
    else
        base::forbid_new_privileges();
    ProcessHandle parent = ProcessHandle::of(start.parent);
    if (start.role.confine) start.role.confine();
    // After the change of the user, which clears the parent-death signal.
    const bool has_parent = start.settings.orphans == Orphans::stop
                                ? guard_orphan(std::move(parent))
                                : base::die_with_parent(start.parent, SIGKILL);
    if (!has_parent) return EXIT_SUCCESS;
    // The log thread starts last, so that it inherits the sandbox and the blocked signals.
    if (start.settings.log_in_background) log::become(start.role.name, true);
    base::unblock_all();
    ChildRuntime runtime({start.role.name, start.role.party, start.parent, start.fresh_start},
                         std::move(start.link), signals);
    try {
        return start.role.run(runtime);
    } catch (const std::exception& error) {
        runtime.report_failed(reason_of(error));
        throw;
    }
}

/// For a failure before the runtime has taken the link.
void report_early(ChildStart& start, const std::string& reason) noexcept try {
    if (!start.link) return;
    boost::asio::io_context io;
    ipc::Channel(io, std::move(start.link), start.role.party, ipc::Party::parent).send(ipc::Failed{reason});
} catch (...) {
    // The exit status has to be enough.
}

// Always leaves with _exit: a return or an exception would run the parent's loop and destructors in the
// child, and these would remove the parent's sockets from the epoll set that both share.
[[noreturn]] void child_main(ChildStart& start) {
    int status = EXIT_FAILURE;
    try {
        status = run_child(start);
    } catch (const std::exception& error) {
        log::write(msg::child_failed, "{}: failed: {}", start.role.name, reason_of(error));
        report_early(start, reason_of(error));
    } catch (...) {
        log::write(msg::child_failed, "{}: failed: unknown exception", start.role.name);
    }
    log::flush_and_close();
    ::_exit(status);
}

}  // namespace

std::string reason_of(const std::exception& error) {
    return dynamic_cast<const std::bad_alloc*>(&error) ? "not enough memory" : error.what();
}

void close_all_but(std::vector<int> keep) {
    std::ranges::sort(keep);
    unsigned next = 0;  // all below are done
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
    // No message to the parent carries descriptors. Older kernels cannot refuse them; the channel closes
    // them.
    base::refuse_descriptors(ours.get());
    ChildStart start{role,       settings,   role.keep ? role.keep() : std::vector<int>(), std::move(theirs),
                     ::getpid(), fresh_start};
    // Until the child has its own handlers, a signal would run the parent's or kill it.
    const base::BlockSignals quiet;
    const pid_t pid = ::fork();
    if (pid < 0) throw std::system_error(errno, std::system_category(), "fork");
    if (pid == 0) child_main(start);
    return {pid, std::move(ours)};
}

}  // namespace process
