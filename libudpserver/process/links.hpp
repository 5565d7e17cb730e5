#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <utility>
#include <vector>

#include "libudpserver/ipc/message_type.hpp"
#include "libudpserver/process/child.hpp"

namespace process {

/// The direct links between children. Whenever one of two linked children becomes ready and the other one is
/// up, both get an end of a new socket pair; the parent keeps none, so a link dies with either end. What
/// fails is logged and tried again, it harms nobody.
class Links {
public:
    /// The child of a party, nullptr when there is none (yet).
    using Find = std::function<Child*(ipc::Party)>;

    /// What failed is tried again after `retry_pause`, or when the next child becomes ready.
    Links(boost::asio::io_context& io, Duration retry_pause, Find find)
        : retry_pause_(retry_pause), find_(std::move(find)), timer_(io) {}
    Links(const Links&) = delete;
    Links& operator=(const Links&) = delete;

    /// From now on these two are linked, the first time at once when both are up. A pair that is known
    /// already adds nothing. Neither may be the parent.
    void add(ipc::Party a, ipc::Party b);

    /// A child has become ready: its links are made anew, and those that failed before are tried again.
    void ready(ipc::Party party);

    /// One of them has closed the link, for example because it got something senseless: they get another one
    /// after the pause, unless a death was the reason.
    void lost(ipc::Party a, ipc::Party b);

    /// The proxy ends: nothing is tried again.
    void stop() { timer_.cancel(); }

private:
    struct Pair {
        ipc::Party a, b;
        bool failed = false;  ///< to be tried again

        [[nodiscard]] bool is(ipc::Party x, ipc::Party y) const { return a == x && b == y; }
    };

    void make(Pair& pair);
    void retry();
    void retry_later();

    Duration retry_pause_;
    Find find_;
    boost::asio::steady_timer timer_;
    bool retrying_ = false;
    std::vector<Pair> pairs_;
};

}  // namespace process
