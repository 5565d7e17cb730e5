#pragma once

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/unique_fd.hpp"
#include "libudpserver/ipc/channel.hpp"
#include "resolvers/alive_guard.hpp"
#include "resolvers/resolver.hpp"

namespace resolvers {

/// REG's resolver: asks APR over a link. Each question has a deadline, whatever happens to APR. A question
/// whose link closes is sent once more over the next one, and fails if that closes, too (K-60); without a
/// link it waits for one. Only name, address and time-out are sent.
class IpcResolver : public Resolver {
public:
    static constexpr std::size_t max_pending = 4096;  ///< questions; more are busy
    /// So that APR's own time-out comes first: its answer says more.
    static constexpr base::Duration margin = std::chrono::seconds(1);
    static constexpr base::Duration retry_delay = std::chrono::milliseconds(10);

    /// `timeout`: for a question without its own.
    IpcResolver(boost::asio::io_context& io, base::Duration timeout)
        : io_(io), timeout_(std::max(timeout, base::Duration(1))), retry_(io) {}
    ~IpcResolver() override;

    /// A new link replaces the old one, which counts as closed.
    void link(base::UniqueFd socket);
    void ask(Question question, Callback callback) override;

    /// The link is closed, from either side.
    void on_lost(std::function<void()> callback) { on_lost_ = std::move(callback); }

    [[nodiscard]] bool linked() const { return channel_ != nullptr; }
    [[nodiscard]] std::size_t pending() const { return pending_.size(); }
    /// One line for INFO.
    [[nodiscard]] std::string info() const;

private:
    struct Pending {
        Question question;
        Callback callback;
        base::Instant deadline;
        boost::asio::steady_timer timer;
        bool resent = false;  ///< its first link has closed
        AliveGuard alive{};
    };
    using Pendings = std::map<std::uint32_t, Pending>;

    std::uint32_t new_id();
    void start_deadline(std::uint32_t id);
    void send_waiting();
    ipc::SendResult send(std::uint32_t id, const Pending& pending);
    void on_message(ipc::Message& message);
    void forget_link();
    void fail(std::uint32_t id, Answer::Status status, std::string detail);
    void finish(Pendings::iterator pending, Answer answer);
    void post(Callback callback, Answer answer);

    boost::asio::io_context& io_;
    base::Duration timeout_;
    boost::asio::steady_timer retry_;
    Pendings pending_;
    std::set<std::uint32_t> unsent_;  ///< of these, those that wait for the link
    std::uint32_t last_id_ = 0;
    std::uint64_t asked_ = 0, asked_again_ = 0, unknown_ = 0;
    std::array<std::uint64_t, base::lookup_statuses> outcomes_{};
    std::function<void()> on_lost_;
    std::unique_ptr<ipc::Channel> channel_;
    AliveGuard alive_;
};

}  // namespace resolvers
