#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "libudpserver/net/control_data.hpp"
#include "libudpserver/net/datagram.hpp"

namespace net {

/// Buffers for one turn of a worker: several sockets are read into it one after the other, and the datagrams
/// stay in place until clear(), so that they can be forwarded without a copy.
class ReceiveBatch {
public:
    explicit ReceiveBatch(std::size_t slots);

    struct Result {
        std::span<Datagram> datagrams;  ///< valid until clear()
        int error = 0;                  ///< errno when nothing could be read; EAGAIN is 0
    };

    /// Reads at most `max` datagrams (and at most room()) from a non-blocking socket that is bound to
    /// `local`. Truncated datagrams and unusable sources are marked and included. Never allocates.
    Result receive(int fd, const base::Endpoint& local, std::size_t max);

    [[nodiscard]] std::size_t room() const { return headers_.size() - used_; }
    void clear() { used_ = 0; }

private:
    std::span<Datagram> describe(std::size_t first, std::size_t count, const base::Endpoint& local);

    std::unique_ptr<std::byte[]> buffers_;
    std::vector<mmsghdr> headers_;
    std::vector<iovec> vectors_;
    std::vector<sockaddr_storage> sources_;
    std::vector<ControlBuffer> controls_;
    std::vector<Datagram> datagrams_;
    std::size_t used_ = 0;
};

}  // namespace net
