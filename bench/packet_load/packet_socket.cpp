#include "bench/packet_load/packet_socket.hpp"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "bench/udp_socket.hpp"

namespace packet {

namespace {

constexpr int buffer_bytes = 64 << 20;

void check(int status, const std::string& what) {
    if (status < 0) throw std::system_error(errno, std::generic_category(), what);
}

Mac mac_of(int fd, const std::string& interface) {
    ifreq request{};
    std::memcpy(request.ifr_name, interface.data(), std::min(interface.size(), sizeof request.ifr_name - 1));
    check(::ioctl(fd, SIOCGIFHWADDR, &request), "hardware address of " + interface);
    Mac mac{};
    std::memcpy(mac.data(), request.ifr_hwaddr.sa_data, mac.size());
    return mac;
}

}  // namespace

PacketSocket::Frames::Frames() : bytes(std::make_unique<std::byte[]>(batch_size * frame_size)) {
    for (std::size_t i = 0; i < batch_size; ++i) {
        parts[i] = {bytes.get() + i * frame_size, frame_size};
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
}

PacketSocket::PacketSocket(const std::string& interface)
    : fd_(::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    check(fd_.get(), "packet socket");
    mac_ = mac_of(fd_.get(), interface);
    const int one = 1;
    check(::setsockopt(fd_.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one), "ignore outgoing");
    check(::setsockopt(fd_.get(), SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one), "queue bypass");
    bench::set_buffer(fd_.get(), SO_RCVBUFFORCE, SO_RCVBUF, buffer_bytes);
    bench::set_buffer(fd_.get(), SO_SNDBUFFORCE, SO_SNDBUF, buffer_bytes);
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETHERTYPE_IP);
    address.sll_ifindex = static_cast<int>(::if_nametoindex(interface.c_str()));
    check(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
          "bind to " + interface);
}

std::span<std::byte> PacketSocket::add(std::size_t length) {
    iovec& part = outgoing_.parts[added_++];
    part.iov_len = length;
    return {static_cast<std::byte*>(part.iov_base), length};
}

void PacketSocket::send() {
    for (std::size_t done = 0; done < added_;) {
        const auto left = static_cast<unsigned>(added_ - done);
        const int sent = ::sendmmsg(fd_.get(), outgoing_.messages.data() + done, left, 0);
        if (sent > 0) done += static_cast<std::size_t>(sent);
        if (sent < 0 && errno != ENOBUFS && errno != EAGAIN && errno != EINTR) check(sent, "sendmmsg");
    }
    added_ = 0;
}

std::size_t PacketSocket::receive() {
    const int count = ::recvmmsg(fd_.get(), incoming_.messages.data(), batch_size, MSG_DONTWAIT, nullptr);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
}

std::span<const std::byte> PacketSocket::frame(std::size_t index) const {
    return {incoming_.bytes.get() + index * frame_size, incoming_.messages[index].msg_len};
}

std::uint64_t PacketSocket::take_overrun() {
    tpacket_stats stats{};
    socklen_t length = sizeof stats;
    check(::getsockopt(fd_.get(), SOL_PACKET, PACKET_STATISTICS, &stats, &length), "packet statistics");
    return stats.tp_drops;
}

}  // namespace packet
