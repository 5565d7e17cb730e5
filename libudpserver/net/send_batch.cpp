#include "libudpserver/net/send_batch.hpp"

#include <cerrno>

namespace net {

namespace {

/// Errors that an earlier datagram left on the socket (an ICMP report): the kernel hands them to the next
/// call, which has then sent nothing (O-40).
bool belongs_to_an_earlier_datagram(int error) {
    return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH || error == EHOSTDOWN ||
           error == ENOPROTOOPT || error == EPROTO;
}

}  // namespace

SendBatch::SendBatch(std::size_t slots, Sent sent)
    : sent_(std::move(sent)),
      headers_(slots),
      vectors_(slots),
      udp_headers_(slots),
      targets_(slots),
      controls_(slots),
      fds_(slots),
      tags_(slots) {}

void SendBatch::add(const Order& order) {
    if (used_ == headers_.size()) flush();
    const std::size_t i = used_++;
    fds_[i] = order.fd;
    tags_[i] = order.tag;
    vectors_[i][1] = {const_cast<std::byte*>(order.payload.data()), order.payload.size()};
    msghdr& header = headers_[i].msg_hdr;
    header = {};
    header.msg_iov = &vectors_[i][1];
    header.msg_iovlen = 1;
    if (order.is_raw) {
        udp_headers_[i] = UdpHeader(order.source, order.to, order.payload);
        vectors_[i][0] = {&udp_headers_[i], sizeof udp_headers_[i]};
        header.msg_iov = vectors_[i].data();
        header.msg_iovlen = 2;
    }
    if (order.to.family != base::Family::none) {
        // A raw socket takes the port for a protocol.
        const base::Endpoint to(order.to.address(), order.is_raw ? 0 : order.to.port);
        header.msg_namelen = base::to_sockaddr(to, targets_[i]);
        header.msg_name = &targets_[i];
    }
    write_control(header, controls_[i], order.family, order.source, order.tos);
}

void SendBatch::flush() {
    if (flushing_) return;  // sent_ may call flush()
    flushing_ = true;
    for (std::size_t first = 0; first < used_;) {
        const std::size_t count = run_length(first);
        send_run(first, count);
        first += count;
    }
    used_ = 0;
    flushing_ = false;
}

std::size_t SendBatch::run_length(std::size_t first) const {
    std::size_t last = first + 1;
    while (last < used_ && fds_[last] == fds_[first])
        ++last;
    return last - first;
}

void SendBatch::send_run(std::size_t first, std::size_t count) {
    const std::size_t end = first + count;
    while (first < end) {
        const int sent = ::sendmmsg(fds_[first], headers_.data() + first, static_cast<unsigned>(end - first),
                                    MSG_DONTWAIT | MSG_NOSIGNAL);
        for (int i = 0; i < sent; ++i)
            report(first++, 0);
        if (first == end) break;
        // The kernel stops at the first failure: send that datagram alone, then continue with the others.
        if (sent < 0 && errno == EINTR) continue;
        report(first, send_alone(first));
        ++first;
    }
}

int SendBatch::send_alone(std::size_t index) {
    for (int attempt = 0;; ++attempt) {
        if (::sendmsg(fds_[index], &headers_[index].msg_hdr, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return 0;
        if (errno == EINTR) continue;
        if (attempt > 0 || !belongs_to_an_earlier_datagram(errno)) return errno;
    }
}

void SendBatch::report(std::size_t index, int error) {
    if (!sent_) return;
    const iovec& payload = vectors_[index][1];
    sent_(tags_[index], {static_cast<const std::byte*>(payload.iov_base), payload.iov_len}, error);
}

}  // namespace net
