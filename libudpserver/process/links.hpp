#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <utility>
#include <vector>

#include "libudpserver/ipc/message_type.hpp"
#include "libudpserver/process/child.hpp"

namespace process {

/// The direct links between children. When one of two linked children becomes ready while the other is up,
/// both receive an end of a new socket pair; the parent keeps neither, so a link closes with either end.
/// Failures are logged and retried.
class Links {
public:
    /// The child of a party, or null.
    using Find = std::function<Child*(ipc::Party)>;

    /// A failed link is retried after `retry_delay`, or when the next child becomes ready.
    Links(boost::asio::io_context& io, Duration retry_delay, Find find)
        : retry_delay_(retry_delay), find_(std::move(find)), timer_(io) {}
    Links(const Links&) = delete;
    Links& operator=(const Links&) = delete;

    /// Links these two from now on, immediately if both are up. Adding a pair twice has no effect. Neither
    /// may be the parent.
    void add(ipc::Party a, ipc::Party b);

    /// A child has become ready: renews its links and retries failed ones.
    void ready(ipc::Party party);

    /// One of them has closed the link, for example after a malformed message: they get another one after the
    /// delay, unless the other has exited.
    void lost(ipc::Party a, ipc::Party b);

    /// For the shutdown: nothing is retried.
    void stop() { timer_.cancel(); }

private:
    struct Pair {
        ipc::Party a, b;
        bool failed = false;  ///< to be retried

        [[nodiscard]] bool is(ipc::Party x, ipc::Party y) const { return a == x && b == y; }
    };

    void make(Pair& pair);
    void retry();
    void retry_later();

    Duration retry_delay_;
    Find find_;
    boost::asio::steady_timer timer_;
    bool retrying_ = false;
    std::vector<Pair> pairs_;
};

}  // namespace process
