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

namespace process {

/// What there is to know of a child; `proxyctl ps` and the INFO signal print it.
struct ChildStatus {
    ChildState state = ChildState::down;
    pid_t pid = -1;
    unsigned restarts = 0;
    std::optional<Instant> started;  ///< of the running process
    std::optional<Instant> ready;    ///< of the running process
    std::optional<Instant> ended;    ///< of the last process that died
    std::optional<ExitStatus> last_exit;
    /// The process was asked to leave its work to the next one, whatever its exit status says.
    bool left = false;
    int log_level = 0;  ///< of the running process, unless somebody else sent it signals
};

/// One supervised child: its process, its link, its heartbeat, its restarts. What it does on which event says
/// the table in child_state.hpp.
class Child {
public:
    /// What the supervisor wants to hear. `count_death` answers whether the child is to be started again.
    struct Hooks {
        std::function<void(Child&, ipc::Message&)> on_message;
        std::function<void(Child&)> on_ready;
        std::function<bool(Child&)> count_death;
        std::function<void(Child&)> on_end;
        std::function<void(Child&)> on_replaced;  ///< before the next process starts
    };

    Child(boost::asio::io_context& io, Role role, const Settings& settings, Hooks hooks);
    ~Child();
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    void start() { handle(ChildEvent::start); }
    /// The process leaves its work as after a SIGTERM of its own, and the next one starts at once. That is no
    /// death: nothing is counted or delayed. One that is down starts now.
    void replace() { handle(ChildEvent::replace); }
    /// Likewise, but nobody starts the next one: it stays down until start().
    void leave() { handle(ChildEvent::leave); }
    void stop() { handle(ChildEvent::stop); }
    void kill() { handle(ChildEvent::kill); }

    /// Sends a signal to the process; false when there is none.
    bool signal(int number);

    /// Looks whether the process has ended. Only its own pid is waited for, never all children: this program
    /// may have children that belong to somebody else.
    void reap();

    [[nodiscard]] const Role& role() const { return role_; }
    [[nodiscard]] const ChildStatus& status() const { return status_; }
    [[nodiscard]] bool running() const { return status_.pid > 0; }
    /// Nothing while there is no process, and after its link was lost.
    [[nodiscard]] ipc::Channel* link() { return link_ ? link_.get() : nullptr; }

    /// Sends a typed message, SendResult::closed when there is no link.
    template <typename T>
    ipc::SendResult send(const T& message, std::uint32_t id = 0, std::span<const int> descriptors = {}) {
        return link_ ? link_->send(message, id, descriptors) : ipc::SendResult::closed;
    }

private:
    void handle(ChildEvent event);
    void arm(ChildEvent event, Duration delay);

    // The actions of the table.
    void do_nothing() {}
    void do_fork();
    void do_watch();
    void do_retry_later();
    void do_report_ready();
    void do_abort();
    void do_wait_for_end();
    void do_restart();
    void do_ask_to_leave();
    void do_replace();
    void do_ask_to_end();
    void do_escalate();
    void do_kill();
    void do_stay_down();
    void do_lay_to_rest();

    void open_link(base::UniqueFd socket);
    void on_message(ipc::Message& message);
    void on_ready_message(ipc::Message& message);
    void on_pong_message(ipc::Message& message);
    void tick();
    void wait_for_ping();
    void start_after(Duration delay);
    void cancel_timers();

    Role role_;
    const Settings& settings_;
    Hooks hooks_;
    boost::asio::io_context& io_;
    ChildStatus status_;
    RestartPolicy policy_;
    ArenaTrust trust_;
    ipc::Dispatcher<> messages_;
    std::unique_ptr<ipc::Channel> link_;
    boost::asio::steady_timer ping_timer_;  ///< when to ping
    boost::asio::steady_timer
        state_timer_;     ///< the pause before a start, or the patience with one that shall end
    unsigned armed_ = 0;  ///< how often state_timer_ was set or cancelled
    Instant last_sign_;   ///< when the child last answered a ping
    Instant last_tick_;   ///< when we last looked
    std::uint32_t sequence_ = 0;
    pid_t last_pid_ = -1;
    bool hung_ = false;
    bool asked_by_signal_ = false;  ///< SIGTERM was sent
};

/// `REG up pid 4711 for 5m, restarts 1, last exit signal 9 (Killed) 5m ago`.
std::string describe(const Child& child, Instant now);

}  // namespace process
