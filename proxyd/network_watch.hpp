#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>

#include "base/clock.hpp"
#include "libudpserver/net/network_changes.hpp"

namespace proxyd {

/// Calls back when the machine has got an address or a route, once for many changes in a short time.
class NetworkWatch {
public:
    NetworkWatch(boost::asio::io_context& io, net::NetworkChanges changes, std::function<void()> on_change);
    ~NetworkWatch() { socket_.release(); }
    NetworkWatch(const NetworkWatch&) = delete;
    NetworkWatch& operator=(const NetworkWatch&) = delete;

private:
    void wait();
    void report_later();

    net::NetworkChanges changes_;
    std::function<void()> on_change_;
    boost::asio::posix::stream_descriptor socket_;
    boost::asio::steady_timer timer_;
    bool is_pending_ = false;
    base::Instant last_{};
};

}  // namespace proxyd
