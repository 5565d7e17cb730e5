#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <map>

#include "libudpserver/ipc/message.hpp"

namespace ipc {

/// The pending requests of one link, by id.
class Requests {
public:
    /// Receives the answer, or null if the link was closed first.
    using Callback = std::function<void(Message* answer)>;

    explicit Requests(boost::asio::io_context& io) : io_(io) {}

    /// Stores the callback and returns the id to send; never 0, never one that is pending.
    std::uint32_t add(Callback callback);

    /// Forgets a request that was not sent or has timed out; a late answer has an unknown id.
    void forget(std::uint32_t id) { pending_.erase(id); }

    /// Calls the callback of this answer. An unknown id is logged (UDPS-312-N) and dropped.
    void answer(Message& message);

    /// The link is closed: calls all pending callbacks with null, from the loop.
    void fail_all();

    [[nodiscard]] std::size_t pending() const { return pending_.size(); }

private:
    boost::asio::io_context& io_;
    std::map<std::uint32_t, Callback> pending_;
    std::uint32_t last_id_ = 0;
};

}  // namespace ipc
