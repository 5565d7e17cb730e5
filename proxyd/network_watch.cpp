#include "proxyd/network_watch.hpp"

#include <algorithm>
#include <utility>

namespace proxyd {

namespace {

/// Addresses and routes often come in twos and threes.
constexpr base::Duration settle_delay{100}, min_interval{1'000};

}  // namespace

NetworkWatch::NetworkWatch(boost::asio::io_context& io, net::NetworkChanges changes,
                           std::function<void()> on_change)
    : changes_(std::move(changes)), on_change_(std::move(on_change)), socket_(io), timer_(io) {
    if (changes_.descriptor() < 0) return;
    socket_.assign(changes_.descriptor());
    wait();
}

void NetworkWatch::wait() {
    socket_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [this](boost::system::error_code error) {
                           if (error) return;
                           if (changes_.take()) report_later();
                           wait();
                       });
}

void NetworkWatch::report_later() {
    if (std::exchange(is_pending_, true)) return;
    timer_.expires_after(std::max(settle_delay, last_ + min_interval - base::now()));
    timer_.async_wait([this](boost::system::error_code error) {
        if (error) return;
        is_pending_ = false;
        last_ = base::now();
        on_change_();
    });
}

}  // namespace proxyd
