#pragma once

#include <sys/types.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "base/unique_fd.hpp"
#include "libudpserver/ipc/channel.hpp"
#include "libudpserver/ipc/dispatcher.hpp"
#include "libudpserver/process/role.hpp"
#include "libudpserver/process/signal_source.hpp"

namespace process {

/// The process that a role runs in. A role sets its callbacks, calls report_ready(), then run(). USR1, USR2
/// and WINCH are handled here (K-14, K-18). Callbacks are called from the loop.
class ChildRuntime {
public:
    using Callback = std::function<void()>;
    using Reply = std::function<void()>;

    struct Origin {
        std::string role;
        ipc::Party party = ipc::Party::reg;
        pid_t parent = -1;
        bool fresh_start = false;
    };

    ChildRuntime(Origin origin, base::UniqueFd link, base::SignalInbox& signals);
    ~ChildRuntime();
    ChildRuntime(const ChildRuntime&) = delete;
    ChildRuntime& operator=(const ChildRuntime&) = delete;

    [[nodiscard]] boost::asio::io_context& io() { return io_; }
    /// The link to the parent. Receive messages with on(), not with its callbacks.
    [[nodiscard]] ipc::Channel& parent() { return parent_; }
    [[nodiscard]] const std::string& role() const { return origin_.role; }

    /// True if the sessions may have crashed the last child of this role: adopt nothing, clear the arena.
    [[nodiscard]] bool fresh_start() const { return origin_.fresh_start; }

    /// Reports to the parent that this role is up, and how many sessions it adopted and aborted.
    void report_ready(std::uint32_t adopted = 0, std::uint32_t aborted = 0);

    using PeerCallback = std::function<void(base::UniqueFd link)>;
    /// Receives the links to another child: each new one replaces the previous one. Set it before
    /// report_ready(); a link without a callback is closed.
    void on_peer(ipc::Party peer, PeerCallback callback);
    /// Asks for a new link to that peer: this side has closed the old one.
    void report_lost(ipc::Party peer);

    /// Handles messages of the parent other than Ping, Stop and PeerLink.
    void on(ipc::MessageType type, std::function<void(ipc::Message&)> handler);

    /// proxyd shuts down, or the parent has exited: close and record all sessions, then finish(). Called
    /// once. Default: finish(0).
    void on_stop(Callback callback) { on_stop_ = std::move(callback); }

    /// Only this child exits (TERM, INT, HUP, QUIT): leave the sessions to the next one, then
    /// finish(work_left). Not called after Stop, nor if the parent has exited: then it is on_stop. Default:
    /// finish(work_left).
    void on_leave(Callback callback) { on_leave_ = std::move(callback); }

    /// A heartbeat: call `reply` in the thread of the loop once all threads of this role have responded.
    /// Default: immediately.
    void on_ping(std::function<void(Reply reply)> callback) { on_ping_ = std::move(callback); }

    /// SIGPWR: log the status of this role (K-20).
    void on_info(Callback callback) { on_info_ = std::move(callback); }

    /// Tells the parent why this process is about to fail.
    void report_failed(const std::string& reason);

    /// Runs the loop until finish(). Returns its status.
    int run();
    void finish(int status);

private:
    void on_signals(const base::TakenSignals& taken);
    void on_message(ipc::Message& message);
    void on_ping_message(ipc::Message& message);
    void on_stop_message(ipc::Message& message);
    void on_peer_message(ipc::Message& message);
    void on_link_lost();
    [[nodiscard]] bool is_parent_gone() const;
    void stop_without_parent();
    void stop();
    void leave();

    boost::asio::io_context io_;
    Origin origin_;
    ipc::Channel parent_;
    SignalSource signals_;
    boost::asio::steady_timer parent_timer_;
    ipc::Dispatcher<> messages_;
    std::array<PeerCallback, ipc::party_count> peers_;
    Callback on_stop_, on_leave_, on_info_;
    std::function<void(Reply)> on_ping_;
    bool stopping_ = false;  ///< on_stop was called
    bool leaving_ = false;   ///< on_leave was called
    std::optional<int> status_;
};

}  // namespace process
