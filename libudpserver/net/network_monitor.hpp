#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>

namespace net {

/// Reports that addresses of the machine have changed. The kernel tells the sender of a datagram only in some
/// cases that its source is gone.
class NetworkMonitor {
public:
    /// Changes that follow each other within 50 ms are reported once. Without netlink nothing is reported.
    NetworkMonitor(boost::asio::io_context& io, std::function<void()> addresses_changed);

private:
    void wait();
    void read();

    boost::asio::posix::stream_descriptor socket_;
    boost::asio::steady_timer delay_;
    bool is_delayed_ = false;
    std::function<void()> addresses_changed_;
};

}  // namespace net
