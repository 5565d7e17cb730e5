#pragma once

#include <boost/asio/io_context.hpp>
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

namespace process {

/// The parent's heart: starts the children, replaces them by policy, relays signals (DESIGN §5), ends
/// everything in order. It knows nothing of what the roles do, and never touches anything from the network.
class Supervisor {
public:
    using Callback = std::function<void()>;
    using MessageHandler = std::function<void(Child&, ipc::Message&)>;

    /// `signals` must exist before this process starts anything; the supervisor reads it from start() on.
    Supervisor(boost::asio::io_context& io, Settings settings, base::SignalInbox& signals);
    ~Supervisor();
    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;

    /// Children are started in the order in which they are added, or at once after start(), and stopped
    /// together.
    Child& add_role(Role role);
    /// The child of that role ends as when the proxy ends, and there is no such role any more.
    void remove_role(ipc::Party party);
    /// The child leaves its work to a new one (Child::replace). Nothing happens while the proxy ends.
    void replace(ipc::Party party);
    /// How children make room for a while.
    enum class Pause {
        leave,  ///< their work waits for the next ones, as after replace()
        end     ///< they end their work in order, as when the proxy ends
    };
    /// All children make room; `then` is called when all have gone, unless the proxy ends meanwhile. Until
    /// resume() none is started. Nothing happens while the proxy ends, or has paused already.
    void pause(Pause how, Callback then);
    void resume();
    [[nodiscard]] bool paused() const { return paused_; }
    /// A signal has come that is not acted on yet.
    [[nodiscard]] bool signal_waits() const { return signals_.waiting(); }
    /// The limits and times of these settings hold from now on; name and user stay.
    void adjust(const Settings& settings);

    /// These two children get a link of their own (ipc::PeerLink), and a new one whenever either was
    /// replaced. Their roles may be added later.
    void link(ipc::Party a, ipc::Party b) { links_.add(a, b); }

    /// Messages of the children that the supervisor does not know itself, for example pool requests.
    void on(ipc::MessageType type, MessageHandler handler);

    /// A child has become ready.
    void on_child_ready(std::function<void(Child&)> callback) { on_child_ready_ = std::move(callback); }
    /// Once: when all children have been ready at the same time for the first time.
    void on_all_ready(Callback callback) { on_all_ready_ = std::move(callback); }
    /// SIGPWR: after the supervisor's own lines.
    void on_info(Callback callback) { on_info_ = std::move(callback); }
    /// The process of a child has ended, or will not be started any more.
    void on_child_gone(std::function<void(Child&)> callback) { on_child_gone_ = std::move(callback); }
    /// Once: when the proxy begins to end, before the children hear of it.
    void on_stopping(Callback callback) { on_stopping_ = std::move(callback); }
    /// Once: when all children are gone; exit_status() is known. Default: the io_context is stopped.
    void on_finished(Callback callback) { on_finished_ = std::move(callback); }

    /// `since`: when the proxy was started, if that was another process image.
    void start(std::optional<Instant> since = std::nullopt);
    /// Ends the proxy as a signal does (exit status 0); called again: kills the children.
    void stop();
    /// The log of this process and of its children is opened anew; `why` is for the log line.
    void reopen_log(std::string_view why);
    /// What SIGPWR logs of the parent and what it knows of its children.
    [[nodiscard]] std::vector<std::string> info_lines(Instant now) const;

    /// 0 after an end that was asked for, 1 after a crash loop; nothing while the proxy runs.
    [[nodiscard]] std::optional<int> exit_status() const {
        return finished_ ? std::optional(status_) : std::nullopt;
    }
    [[nodiscard]] bool stopping() const { return stopping_; }
    [[nodiscard]] bool all_ready() const;
    /// All children have been ready at the same time once.
    [[nodiscard]] bool was_ready() const { return reported_ready_; }
    [[nodiscard]] std::optional<Instant> started() const { return started_; }
    [[nodiscard]] const std::vector<std::unique_ptr<Child>>& children() const { return children_; }
    [[nodiscard]] Child* find(ipc::Party party);

private:
    void on_signals(const base::TakenSignals& taken);
    void relay(int number);
    void change_level(int number, int steps, void (*step)());
    void inform();
    void reap();
    void end(int status);
    void on_message(Child& child, ipc::Message& message);
    void on_ready(Child& child);
    void on_gone(Child& child);
    bool count_death();
    void on_end();
    void forget_removed();

    boost::asio::io_context& io_;
    Settings settings_;
    SignalSource signals_;
    DeathTally tally_;
    ipc::Dispatcher<Child&> messages_;
    std::vector<std::unique_ptr<Child>> children_;
    std::vector<std::unique_ptr<Child>> removed_;  ///< of roles that were removed, until they have ended
    Links links_;
    Callback on_all_ready_, on_info_, on_stopping_, on_finished_, on_paused_;
    std::function<void(Child&)> on_child_gone_, on_child_ready_;
    std::optional<Instant> started_;
    bool reported_ready_ = false;
    bool paused_ = false;
    bool stopping_ = false;
    bool finished_ = false;
    int status_ = 0;
};

}  // namespace process
