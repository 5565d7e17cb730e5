#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <map>

#include "libudpserver/ipc/message.hpp"

namespace ipc {

/// The questions that wait for an answer on one link: an id for each, and who wants to know.
class Requests {
public:
    /// Gets the answer, or nullptr when the link died before it came.
    using Callback = std::function<void(Message* answer)>;

    explicit Requests(boost::asio::io_context& io) : io_(io) {}

    /// Remembers the callback and returns the id to send; never 0, never one that is still pending.
    std::uint32_t add(Callback callback);

    /// Forgets a request whose sending failed or that nobody waits for any more; its answer is then unknown.
    void forget(std::uint32_t id) { pending_.erase(id); }

    /// Hands an answer to who asked. An unknown id is logged (UDPS-312-N) and dropped.
    void answer(Message& message);

    /// The link is dead: every pending callback is called with nullptr, from the loop.
    void fail_all();

    [[nodiscard]] std::size_t pending() const { return pending_.size(); }

private:
    boost::asio::io_context& io_;
    std::map<std::uint32_t, Callback> pending_;
    std::uint32_t last_id_ = 0;
};

}  // namespace ipc
