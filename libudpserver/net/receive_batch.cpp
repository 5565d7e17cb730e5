#include "libudpserver/net/receive_batch.hpp"

#include <algorithm>
#include <cerrno>

namespace net {

ReceiveBatch::ReceiveBatch(std::size_t slots)
    // Left uninitialised on purpose: pages that no datagram reaches cost no memory.
    : buffers_(new std::byte[slots * buffer_size]),
      headers_(slots),
      vectors_(slots),
      sources_(slots),
      controls_(slots),
      datagrams_(slots) {
    for (std::size_t i = 0; i < slots; ++i)
        vectors_[i] = {buffers_.get() + i * buffer_size, buffer_size};
}

ReceiveBatch::Result ReceiveBatch::receive(int fd, const base::Endpoint& local, std::size_t max) {
    const std::size_t first = used_;
    const std::size_t wanted = std::min(max, room());
    for (std::size_t i = first; i < first + wanted; ++i) {
        headers_[i].msg_hdr = {.msg_name = &sources_[i],
                               .msg_namelen = sizeof sources_[i],
                               .msg_iov = &vectors_[i],
                               .msg_iovlen = 1,
                               .msg_control = controls_[i].bytes.data(),
                               .msg_controllen = controls_[i].bytes.size(),
                               .msg_flags = 0};
    }
    int count;
    do {
        count = ::recvmmsg(fd, headers_.data() + first, static_cast<unsigned>(wanted), MSG_DONTWAIT, nullptr);
    } while (count < 0 && errno == EINTR);
    if (count < 0) return {{}, errno == EAGAIN ? 0 : errno};
    used_ += static_cast<std::size_t>(count);
    return {describe(first, static_cast<std::size_t>(count), local), 0};
}

std::span<Datagram> ReceiveBatch::describe(std::size_t first, std::size_t count,
                                           const base::Endpoint& local) {
    for (std::size_t i = first; i < first + count; ++i) {
        const msghdr& header = headers_[i].msg_hdr;
        Datagram& datagram = datagrams_[i];
        datagram.payload = {static_cast<std::byte*>(vectors_[i].iov_base), headers_[i].msg_len};
        datagram.from = base::from_sockaddr(sources_[i], header.msg_namelen);
        datagram.local = local;
        read_control(header, datagram);
        // A socket that is bound to one address receives only what was sent to it. The kernel names one of
        // the machine's own instead if it is a broadcast address.
        if (local.family != base::Family::none && !local.address().is_any()) datagram.local = local;
    }
    return {datagrams_.data() + first, count};
}

}  // namespace net
