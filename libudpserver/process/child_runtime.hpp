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

/// What a role sees of the process it runs in. A role sets its callbacks, reports that it is ready and calls
/// run(). USR1, USR2 and WINCH are answered in here (K-14, K-18). Callbacks come from the loop.
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
    /// The link to the parent; messages come by on(), not by its callbacks.
    [[nodiscard]] ipc::Channel& parent() { return parent_; }
    [[nodiscard]] const std::string& role() const { return origin_.role; }

    /// True when the last child of this role seems to have died of what it adopted: adopt nothing, wipe the
    /// arena.
    [[nodiscard]] bool fresh_start() const { return origin_.fresh_start; }

    /// Tells the parent that this role serves, and what became of the sessions it found.
    void report_ready(std::uint32_t adopted = 0, std::uint32_t aborted = 0);

    using PeerCallback = std::function<void(base::UniqueFd link)>;
    /// Takes the links to another child: called with an end of each new one, which takes the place of the one
    /// before. To be set before report_ready(); links that nobody asked for are closed.
    void on_peer(ipc::Party peer, PeerCallback callback);
    /// The link to that peer is closed on this side: there will be a new one.
    void report_lost(ipc::Party peer);

    /// Takes messages of the parent other than Ping, Stop and PeerLink.
    void on(ipc::MessageType type, std::function<void(ipc::Message&)> handler);

    /// The proxy ends, or the parent is dead (end of the link): close all sessions, report them, finish().
    /// Called once. Without it the child finishes with 0.
    void on_stop(Callback callback) { on_stop_ = std::move(callback); }

    /// This child alone ends (TERM, INT, HUP, QUIT): leave the sessions as they are, the next one adopts
    /// them, and finish(). When the parent is gone or said Stop before, on_stop is called instead. Default:
    /// finish(0).
    void on_end_signal(Callback callback) { on_end_signal_ = std::move(callback); }

    /// A heartbeat: call `reply` when all threads of this role have shown that they live. In the
    /// thread of the loop. Default: at once.
    void on_ping(std::function<void(Reply reply)> callback) { on_ping_ = std::move(callback); }

    /// SIGPWR: log what this role knows of itself (K-20).
    void on_info(Callback callback) { on_info_ = std::move(callback); }

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
    [[nodiscard]] bool parent_gone() const;
    void stop_without_parent();
    void stop();
    void end_alone();

    boost::asio::io_context io_;
    Origin origin_;
    ipc::Channel parent_;
    SignalSource signals_;
    boost::asio::steady_timer parent_timer_;
    ipc::Dispatcher<> messages_;
    std::array<PeerCallback, ipc::party_count> peers_;
    Callback on_stop_, on_end_signal_, on_info_;
    std::function<void(Reply)> on_ping_;
    bool stopping_ = false;  ///< on_stop was called
    bool ending_ = false;    ///< on_end_signal was called
    std::optional<int> status_;
};

}  // namespace process
