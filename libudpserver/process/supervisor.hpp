#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libudpserver/ipc/dispatcher.hpp"
#include "libudpserver/process/child.hpp"
#include "libudpserver/process/links.hpp"
#include "libudpserver/process/role.hpp"
#include "libudpserver/process/settings.hpp"
#include "libudpserver/process/signal_source.hpp"
#include "libudpserver/process/unreaped.hpp"

namespace process {

/// Starts the children, restarts them by policy, relays signals (doc/design.md, Processes), and stops
/// everything in order. It does not know what the roles do, and reads nothing from the network.
///
/// Before start(): add_role(), link(), on() and the callbacks. Afterwards all functions may be called at any
/// time, also from a callback; but while proxyd shuts down, replace(), remove_role(), pause() and resume()
/// have no effect, and while the children are paused none starts. A shutdown cannot be cancelled: the
/// children are stopped, killed after their timeouts, and then the io_context is stopped and exit_status() is
/// known.
class Supervisor {
public:
    using Callback = std::function<void()>;
    using Reopened = std::function<void(const std::string& failure)>;
    using ChildCallback = std::function<void(Child&)>;
    using MessageHandler = std::function<void(Child&, ipc::Message&)>;

    /// `signals` must exist before this process starts anything; the supervisor reads it after start().
    Supervisor(boost::asio::io_context& io, Settings settings, base::SignalInbox& signals);
    ~Supervisor();
    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;

    /// Children start in the order in which they are added, after start() immediately, and stop together.
    Child& add_role(Role role);
    /// Stops the child of this role and removes the role.
    void remove_role(ipc::Party party);
    /// The child leaves its work to a new process (Child::replace).
    void replace(ipc::Party party);
    /// How children exit for a pause.
    enum class Pause {
        leave,  ///< they leave their work to the next process, as for replace()
        stop    ///< they finish their work, as for a shutdown
    };
    /// All children exit; then calls `then`, unless a shutdown or resume() comes before. None starts until
    /// resume().
    void pause(Pause how, Callback then);
    /// All children start; one that is still about to exit does so when it has.
    void resume();
    [[nodiscard]] bool is_paused() const { return paused_; }
    /// True if a signal has arrived that is not handled yet.
    [[nodiscard]] bool has_pending_signal() const { return signals_.has_pending(); }
    /// Applies the limits and times of these settings; name and user stay.
    void adjust(const Settings& settings);

    /// Gives these two children a link of their own (ipc::PeerLink), and a new one after a restart of either.
    /// Their roles may be added later.
    void link(ipc::Party a, ipc::Party b) { links_.add(a, b); }

    /// Handles messages of children that the supervisor does not handle itself, for example pool requests.
    void on(ipc::MessageType type, MessageHandler handler);

    /// A child has become ready.
    void on_child_ready(ChildCallback callback) { on_child_ready_ = std::move(callback); }
    /// Called once, when all children are up for the first time.
    void on_all_ready(Callback callback) { on_all_ready_ = std::move(callback); }
    /// The process of a child has exited, or will not start any more.
    void on_child_exit(ChildCallback callback) { on_child_exit_ = std::move(callback); }

    /// A shutdown begins.
    void on_stopping(Callback callback) { on_stopping_ = std::move(callback); }

    /// SIGHUP came alone; returns false if it is to shut down, as without this callback.
    void on_hang_up(std::function<bool()> callback) { on_hang_up_ = std::move(callback); }

    /// How the log is reopened. Without it, by this process and its children, each for itself.
    void on_reopen(std::function<void(const Reopened&)> callback) { on_reopen_ = std::move(callback); }

    /// `since`: when proxyd was started, if this is another program after an upgrade.
    void start(std::optional<Instant> since = std::nullopt);
    /// Shuts down as a signal does (exit status 0); a second call kills the children.
    void stop();
    /// Reopens the log; `why` is for the log line. `done` gets an empty text or why it failed.
    void reopen_log(std::string_view why, const Reopened& done);
    /// What SIGPWR logs about the parent and its children.
    [[nodiscard]] std::vector<std::string> info_lines(Instant now) const;

    /// 0 after a requested shutdown, 1 after a failed start or a crash loop that ends the proxy; nothing
    /// before all children have exited.
    [[nodiscard]] std::optional<int> exit_status() const {
        return finished_ ? std::optional(status_) : std::nullopt;
    }
    [[nodiscard]] bool is_stopping() const { return stopping_; }
    [[nodiscard]] bool all_ready() const;
    /// True in a crash loop: restarts are delayed.
    [[nodiscard]] bool is_degraded() const { return loop_.is_on(); }
    /// Why the start was given up; empty if it was not.
    [[nodiscard]] const std::string& start_failure() const { return start_failure_; }
    /// True once all children have been up at the same time.
    [[nodiscard]] bool was_ready() const { return reported_ready_; }
    [[nodiscard]] std::optional<Instant> started() const { return started_; }
    [[nodiscard]] const std::vector<std::unique_ptr<Child>>& children() const { return children_; }
    /// Processes that others have killed may be added, and are reaped when they exit.
    [[nodiscard]] Unreaped& unreaped() { return unreaped_; }
    /// The child of this role, or null.
    [[nodiscard]] Child* find(ipc::Party party);

private:
    void on_signals(const base::TakenSignals& taken);
    void relay(int number);
    void change_level(int number, int steps, void (*step)());
    void log_info();
    void reap();
    void shut_down(int status);
    void on_message(Child& child, ipc::Message& message);
    void on_ready(Child& child);
    void on_exit(Child& child);
    std::optional<Duration> on_crash(const Child& child);
    bool gives_up_start(const Child& child);
    bool ends_with_loop();
    void watch_loop(const Child& child);
    void check_finished();
    void forget_removed();

    boost::asio::io_context& io_;
    Settings settings_;
    SignalSource signals_;
    CrashLoop loop_;
    boost::asio::steady_timer loop_timer_;  ///< to the end of a crash loop, if nothing exits before
    std::string start_failure_;
    ipc::Dispatcher<Child&> messages_;
    Unreaped unreaped_;
    std::vector<std::unique_ptr<Child>> children_;
    std::vector<std::unique_ptr<Child>> removed_;  ///< of removed roles, until they have exited
    Links links_;
    Callback on_all_ready_, on_paused_, on_stopping_;
    std::function<bool()> on_hang_up_;
    std::function<void(const Reopened&)> on_reopen_;
    ChildCallback on_child_exit_, on_child_ready_;
    std::optional<Instant> started_;
    bool reported_ready_ = false;
    bool paused_ = false;
    bool stopping_ = false;
    bool finished_ = false;
    int status_ = 0;
};

}  // namespace process
