#include "libudpserver/ipc/descriptors.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace ipc {
namespace {

/// Room for one SCM_RIGHTS message of max_descriptors, aligned as the kernel requires.
struct ControlBuffer {
    alignas(cmsghdr) char bytes[CMSG_SPACE(max_descriptors * sizeof(int))];
};

void put_descriptors(msghdr& message, ControlBuffer& control, std::span<const int> descriptors) {
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(part), descriptors.data(), descriptors.size_bytes());
}

// Takes ownership of every descriptor that the kernel opened here, even if the packet is invalid.
std::vector<base::UniqueFd> get_descriptors(msghdr& message) {
    std::vector<base::UniqueFd> descriptors;
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
            descriptors.emplace_back(fd);
        }
    }
    return descriptors;
}

}  // namespace

int send_packet(int socket, std::span<const std::byte> packet, std::span<const int> descriptors) {
    if (descriptors.size() > max_descriptors) return EMSGSIZE;
    iovec part{const_cast<std::byte*>(packet.data()), packet.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    ControlBuffer control{};
    if (!descriptors.empty()) put_descriptors(message, control, descriptors);
    ssize_t sent = -1;
    do {
        sent = ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? errno : 0;
}

ReceivedPacket receive_packet(int socket, std::span<std::byte> buffer) {
    iovec part{buffer.data(), buffer.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    ControlBuffer control{};
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    ssize_t got = -1;
    do {
        got = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);

    ReceivedPacket packet;
    if (got < 0) {
        packet.error = errno;
        return packet;
    }
    packet.size = static_cast<std::size_t>(got);
    packet.truncated = (message.msg_flags & MSG_TRUNC) != 0;
    packet.descriptors_lost = (message.msg_flags & MSG_CTRUNC) != 0;
    packet.descriptors = get_descriptors(message);
    // Some of the descriptors are useless: there is no way to know which ones are missing.
    if (packet.descriptors_lost) packet.descriptors.clear();
    return packet;
}

}  // namespace ipc
