#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "libudpserver/ipc/channel.hpp"
#include "libudpserver/ipc/dispatcher.hpp"
#include "libudpserver/process/child_state.hpp"
#include "libudpserver/process/exit_status.hpp"
#include "libudpserver/process/restart_policy.hpp"
#include "libudpserver/process/role.hpp"
#include "libudpserver/process/settings.hpp"
#include "libudpserver/process/unreaped.hpp"

namespace process {

/// The state of a child, as `proxyctl ps` and the INFO signal print it.
struct ChildStatus {
    ChildState state = ChildState::down;
    pid_t pid = -1;
    unsigned restarts = 0;
    unsigned forbidden_calls = 0;    ///< processes that were killed for one
    std::optional<Instant> started;  ///< of the running process
    std::optional<Instant> ready;    ///< of the running process
    std::optional<Instant> ended;    ///< of the last process that exited
    std::optional<ExitStatus> last_exit;
    bool left = false;  ///< the process was asked to leave its work to the next one
    int log_level = 0;  ///< of the running process; wrong if another program sent it USR1 or USR2
};

/// One supervised child: its process, its link, its heartbeat, its restarts. The table in child_state.hpp
/// says what happens on which event.
///
/// start(), replace(), leave(), stop() and kill() may be called in every state, also from a hook. A child has
/// at most one process, and none is started after stop(), leave() or kill() until start(). A process that
/// exits is always reported by exactly one hook: on_crash, on_exit or on_replaced. A child in `failing` sends
/// no more messages. The object must not be destroyed while its process runs, nor from its own hooks.
class Child {
public:
    struct Hooks {
        std::function<void(Child&, ipc::Message&)> on_message;
        std::function<void(Child&)> on_ready;
        /// Exited unexpectedly. Returns the least delay before its restart; nothing: it is not restarted.
        std::function<std::optional<Duration>(Child&)> on_crash;
        /// The system has no process to give. Returns whether the start is given up; else it is tried again.
        std::function<bool(const Child&)> on_fork_failed;
        std::function<void(Child&)> on_exit;      ///< exited as requested, or will not start any more
        std::function<void(Child&)> on_replaced;  ///< has left its work; the next process starts now
    };

    /// `unreaped` takes a process that was killed and does not exit within kill_timeout: it counts as exited.
    Child(boost::asio::io_context& io, Role role, const Settings& settings, Hooks hooks, Unreaped& unreaped);
    ~Child();
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    void start() { handle(ChildEvent::start); }
    /// The process leaves its work (SIGTERM), and the next one starts as soon as it has exited; this is not
    /// counted as a crash. A child that is down starts now.
    void replace() { handle(ChildEvent::replace); }
    /// The process leaves its work; the child stays down until start().
    void leave() { handle(ChildEvent::leave); }
    /// The process finishes its work and exits.
    void stop() { handle(ChildEvent::stop); }
    void kill() { handle(ChildEvent::kill); }

    /// Sends a signal to the process; false if there is none.
    bool signal(int number);

    /// Checks whether the process has exited. Waits only for its own pid: this program may have children that
    /// a library started.
    void reap();

    [[nodiscard]] const Role& role() const { return role_; }
    [[nodiscard]] const ChildStatus& status() const { return status_; }
    /// Why the last process exited: the reason that it gave, or its exit status, after the role.
    [[nodiscard]] std::string failure() const;
    [[nodiscard]] bool is_running() const { return status_.pid > 0; }
    /// Null without a process, or after its link was lost.
    [[nodiscard]] ipc::Channel* link() { return link_.get(); }

    /// Sends a typed message; SendResult::closed without a link.
    template <typename T>
    ipc::SendResult send(const T& message, std::uint32_t id = 0, std::span<const int> descriptors = {}) {
        return link_ ? link_->send(message, id, descriptors) : ipc::SendResult::closed;
    }

private:
    void handle(ChildEvent event);
    void arm(Duration delay, std::function<void()> action);
    void arm(ChildEvent event, Duration delay);

    // The actions of the table.
    void do_nothing() {}
    void do_fork();
    void do_watch();
    void do_retry_later();
    void do_report_ready();
    void do_abort();
    void do_await_exit();
    void do_restart();
    void do_terminate();
    void do_replace();
    void do_request_stop();
    void do_escalate();
    void do_kill();
    void do_cancel_start();
    void do_report_exit();

    void has_exited(int wait_status);
    void give_up();
    void report_forbidden_call(int wait_status);
    void open_link(base::UniqueFd socket);
    void on_message(ipc::Message& message);
    void on_ready_message(ipc::Message& message);
    void on_pong_message(ipc::Message& message);
    void on_failed_message(ipc::Message& message);
    void tick();
    void wait_for_ping();
    void start_after(Duration delay);
    void cancel_timers();

    Role role_;
    const Settings& settings_;
    Hooks hooks_;
    boost::asio::io_context& io_;
    Unreaped& unreaped_;
    ChildStatus status_;
    RestartPolicy policy_;
    ArenaTrust trust_;
    ipc::Dispatcher<> messages_;
    std::unique_ptr<ipc::Channel> link_;
    boost::asio::steady_timer ping_timer_;   ///< when to ping
    boost::asio::steady_timer state_timer_;  ///< restart delay, or timeout of a process that is to exit
    unsigned armed_ = 0;                     ///< how often state_timer_ was set or cancelled
    Instant last_pong_;                      ///< when the child last answered
    Instant last_tick_;                      ///< when we last checked
    std::uint32_t sequence_ = 0;
    pid_t last_pid_ = -1;
    std::string reason_;  ///< of its failure, as the process reported it
    bool hung_ = false;
    bool asked_by_signal_ = false;  ///< SIGTERM was sent
};

/// `REG up pid 4711 for 5m, restarts 1, last exit signal 9 (Killed) 5m ago`.
std::string describe(const Child& child, Instant now);

}  // namespace process
