#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>

#include "base/clock.hpp"
#include "base/unique_fd.hpp"

namespace net {

/// Reports that addresses of the machine have changed. The kernel tells the sender of a datagram only in some
/// cases that its source is gone.
class NetworkMonitor {
public:
    /// Of netlink; not valid if there is none.
    static base::UniqueFd open_socket();

    /// Changes that follow each other within `settle_time` are reported once: a DHCP client removes one
    /// address and adds another. Without a socket nothing is reported.
    NetworkMonitor(boost::asio::io_context& io, base::UniqueFd socket,
                   std::function<void()> addresses_changed, base::Duration settle_time = base::Duration(50));

private:
    void wait();
    void read();

    boost::asio::posix::stream_descriptor socket_;
    boost::asio::steady_timer delay_;
    base::Duration settle_time_;
    bool is_delayed_ = false;
    std::function<void()> addresses_changed_;
};

}  // namespace net
