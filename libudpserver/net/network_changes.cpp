#include "libudpserver/net/network_changes.hpp"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace net {

namespace {

/// A storm of changes is read in batches, so that the caller's loop is not blocked.
constexpr int max_reads = 64;

base::UniqueFd open_socket() {
    base::UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE));
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
    if (fd.get() < 0 || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return {};
    return fd;
}

}  // namespace

bool adds_address_or_route(std::span<const std::byte> messages) {
    while (messages.size() >= sizeof(nlmsghdr)) {
        nlmsghdr header;
        std::memcpy(&header, messages.data(), sizeof header);
        if (header.nlmsg_type == RTM_NEWADDR || header.nlmsg_type == RTM_NEWROUTE) return true;
        const std::size_t size = NLMSG_ALIGN(std::size_t{header.nlmsg_len});
        if (header.nlmsg_len < sizeof header || size > messages.size()) return false;
        messages = messages.subspan(size);
    }
    return false;
}

NetworkChanges::NetworkChanges() : socket_(open_socket()) {}

bool NetworkChanges::take() {
    std::array<std::byte, 16384> buffer;
    bool changed = false;
    for (int i = 0; i < max_reads; ++i) {
        const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
        // After an overrun it is not known what happened.
        changed = changed || (got < 0 && errno == ENOBUFS);
        if (got <= 0) break;
        changed = changed || adds_address_or_route(std::span(buffer).first(static_cast<std::size_t>(got)));
    }
    return changed;
}

}  // namespace net
