#include "bench/udp_relay/batch.hpp"

namespace relay {

Batch::Batch() : bytes_(std::make_unique<std::byte[]>(capacity * buffer_size)) {}

std::size_t Batch::receive(int fd) {
    for (std::size_t i = 0; i < capacity; ++i) {
        parts_[i] = {bytes_.get() + i * buffer_size, buffer_size};
        received_[i].msg_hdr.msg_name = &addresses_[i];
        received_[i].msg_hdr.msg_namelen = sizeof addresses_[i];
        received_[i].msg_hdr.msg_iov = &parts_[i];
        received_[i].msg_hdr.msg_iovlen = 1;
    }
    const int count = ::recvmmsg(fd, received_.data(), capacity, MSG_DONTWAIT, nullptr);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
}

base::Endpoint Batch::from(std::size_t index) const {
    return base::from_sockaddr(addresses_[index], received_[index].msg_hdr.msg_namelen);
}

void Batch::send(int fd, std::size_t begin, std::size_t end, const base::Endpoint* to) {
    sockaddr_storage address{};
    const socklen_t length = to == nullptr ? 0 : base::to_sockaddr(*to, address);
    for (std::size_t i = begin; i < end; ++i) {
        parts_[i].iov_len = received_[i].msg_len;
        sent_[i].msg_hdr = {};
        sent_[i].msg_hdr.msg_iov = &parts_[i];
        sent_[i].msg_hdr.msg_iovlen = 1;
        sent_[i].msg_hdr.msg_name = length == 0 ? nullptr : &address;
        sent_[i].msg_hdr.msg_namelen = length;
    }
    while (begin < end) {
        const int sent = ::sendmmsg(fd, sent_.data() + begin, static_cast<unsigned>(end - begin), 0);
        begin += sent > 0 ? static_cast<std::size_t>(sent) : 1;
    }
}

}  // namespace relay
