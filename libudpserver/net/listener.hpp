#pragma once

#include <cstdint>

#include "base/endpoint.hpp"
#include "base/unique_fd.hpp"
#include "libudpserver/net/receive_batch.hpp"

namespace net {

/// Options of a listening socket, set before bind in this order (L-3).
struct ListenerOptions {
    bool reuse_port = false;           ///< several workers on one port, balanced by the kernel (L-8)
    bool reuse_address = false;        ///< off: for UDP it would let a second program take the port (L-7)
    bool answer_as_others = false;     ///< IP_TRANSPARENT: replies may carry a responder's address (K-43)
    std::uint64_t receive_buffer = 0;  ///< bytes; 0: the system's
    std::uint64_t send_buffer = 0;
};

/// A listening UDP socket. Its datagrams belong to running sessions as well as to new clients, so it is
/// always read.
class Listener {
public:
    /// Creates and binds a socket. Throws SocketError with the step that failed; no descriptor leaks then.
    static Listener bind(const base::Endpoint& local, const ListenerOptions& options);

    /// Wraps a bound UDP socket and makes it non-blocking. Throws SocketError for any other kind of
    /// descriptor (L-1, L-2). With `close_on_free` false the caller keeps the descriptor (L-5).
    static Listener from_descriptor(int fd, bool close_on_free);

    Listener(Listener&&) noexcept = default;
    Listener& operator=(Listener&&) = delete;
    ~Listener();

    /// Applies buffer sizes and IP_TRANSPARENT to the bound socket and ignores the other options. Throws
    /// SocketError.
    void set_options(const ListenerOptions& options) const;

    /// Allows other sockets with `reuse_port` to bind this one's port. Throws SocketError.
    void share_port();

    [[nodiscard]] int descriptor() const { return fd_.get(); }
    [[nodiscard]] const base::Endpoint& local() const { return local_; }
    /// Bound to 0.0.0.0 or ::, so that replies must name the address to leave from (O-17).
    [[nodiscard]] bool wildcard() const { return wildcard_; }

    /// Reads at most `budget` datagrams into the batch, which must have room (L-22). Datagrams that are
    /// truncated or have no usable source are included.
    ReceiveBatch::Result read(ReceiveBatch& batch, std::size_t budget) const {
        return batch.receive(fd_.get(), local_, budget);
    }

private:
    Listener(base::UniqueFd fd, bool close_on_free);

    base::UniqueFd fd_;
    bool close_on_free_ = true;
    bool wildcard_ = false;
    base::Endpoint local_;
};

}  // namespace net
