#include "bench/udp_echo/batch.hpp"

#include <poll.h>

#include <cerrno>

namespace echo {

namespace {

// A full send buffer empties quickly; a socket that stays full this long loses the datagram.
constexpr int max_wait_ms = 100;

bool wait_until_writable(int fd) {
    pollfd wanted{fd, POLLOUT, 0};
    return ::poll(&wanted, 1, max_wait_ms) == 1;
}

}  // namespace

Batch::Batch() : buffers_(std::make_unique<std::byte[]>(capacity * buffer_size)) {}

std::size_t Batch::receive(int fd) {
    for (std::size_t i = 0; i < capacity; ++i) {
        parts_[i] = {buffers_.get() + i * buffer_size, buffer_size};
        received_[i].msg_hdr = {};
        received_[i].msg_hdr.msg_name = &addresses_[i];
        received_[i].msg_hdr.msg_namelen = sizeof addresses_[i];
        received_[i].msg_hdr.msg_iov = &parts_[i];
        received_[i].msg_hdr.msg_iovlen = 1;
    }
    answer_count_ = 0;
    const int count = ::recvmmsg(fd, received_.data(), capacity, MSG_DONTWAIT, nullptr);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
}

base::Endpoint Batch::from(std::size_t index) const {
    return base::from_sockaddr(addresses_[index], received_[index].msg_hdr.msg_namelen);
}

std::span<const std::byte> Batch::payload(std::size_t index) const {
    return {buffers_.get() + index * buffer_size, received_[index].msg_len};
}

void Batch::answer(std::size_t index) {
    parts_[index].iov_len = received_[index].msg_len;
    answers_[answer_count_++] = received_[index];
}

std::size_t Batch::send(int fd) {
    std::size_t failed = 0;
    for (std::size_t done = 0; done < answer_count_;) {
        const auto left = static_cast<unsigned>(answer_count_ - done);
        const int sent = ::sendmmsg(fd, answers_.data() + done, left, MSG_DONTWAIT);
        if (sent > 0) {
            done += static_cast<std::size_t>(sent);
        } else if (errno != EAGAIN || !wait_until_writable(fd)) {
            ++failed;
            ++done;
        }
    }
    answer_count_ = 0;
    return failed;
}

}  // namespace echo
