#include "libudpserver/net/network_monitor.hpp"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <utility>

namespace net {

base::UniqueFd NetworkMonitor::open_socket() {
    base::UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
    if (fd && ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return {};
    return fd;
}

NetworkMonitor::NetworkMonitor(boost::asio::io_context& io, base::UniqueFd socket,
                               std::function<void()> addresses_changed, base::Duration settle_time)
    : socket_(io), delay_(io), settle_time_(settle_time), addresses_changed_(std::move(addresses_changed)) {
    if (!socket) return;
    socket_.assign(socket.release());
    wait();
}

void NetworkMonitor::wait() {
    socket_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [this](boost::system::error_code error) {
                           if (error) return;
                           read();
                           wait();
                       });
}

/// The messages say only that something has changed. Lost ones (ENOBUFS) are taken off the socket here too.
void NetworkMonitor::read() {
    std::array<std::byte, 4096> message;
    while (::recv(socket_.native_handle(), message.data(), message.size(), MSG_DONTWAIT) >= 0)
        continue;
    if (std::exchange(is_delayed_, true)) return;
    delay_.expires_after(settle_time_);
    delay_.async_wait([this](boost::system::error_code error) {
        if (error) return;
        is_delayed_ = false;
        addresses_changed_();
    });
}

}  // namespace net
