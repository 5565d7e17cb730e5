#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "base/endpoint.hpp"
#include "base/unique_fd.hpp"
#include "libudpserver/net/receive_batch.hpp"

namespace net {

/// What a listening socket is made with; set before bind, in this order (L-3).
struct ListenerOptions {
    bool reuse_port = false;           ///< several workers on one port, balanced by the kernel (L-8)
    bool reuse_address = false;        ///< off: for UDP it would let a second program take the port (L-7)
    bool answer_as_others = false;     ///< IP_TRANSPARENT: replies may carry a responder's address (K-43)
    std::uint64_t receive_buffer = 0;  ///< bytes; 0: the system's
    std::uint64_t send_buffer = 0;
};

/// What a listener counted since it was made.
struct ListenerCounters {
    std::uint64_t datagrams = 0;   ///< read
    std::uint64_t bad_source = 0;  ///< dropped: no usable source address or port (L-21)
    std::uint64_t truncated = 0;   ///< dropped: longer than the buffer (K-47)
    std::uint64_t unheard = 0;     ///< dropped: there was no callback (L-15)
    std::uint64_t errors = 0;      ///< reads that failed with something else than "nothing there"
};

/// A listening UDP socket. Reading never stops, for it also carries the datagrams of running sessions; what
/// can be switched off is admission (`enabled`), which the callback's owner asks for unknown clients
/// (L-12..L-16). One thread at a time may use it.
class Listener {
public:
    using Callback = std::function<void(Listener&, Datagram&)>;
    using ErrorCallback = std::function<void(Listener&, int error)>;

    /// Makes and binds a socket. Throws SocketError with the step that failed; nothing stays open then.
    static Listener bind(const base::Endpoint& local, const ListenerOptions& options);

    /// Wraps a bound UDP socket, made non-blocking. Throws SocketError for any other kind of descriptor (L-1,
    /// L-2). With `close_on_free` false the descriptor stays its owner's (L-5).
    static Listener from_descriptor(int fd, bool close_on_free);

    Listener(Listener&&) noexcept = default;
    Listener& operator=(Listener&&) = delete;
    ~Listener();

    void on_datagram(Callback callback) { callback_ = std::move(callback); }
    void on_error(ErrorCallback callback) { error_callback_ = std::move(callback); }

    /// Idempotent (L-30). A listener begins enabled.
    void enable() { enabled_ = true; }
    void disable() { enabled_ = false; }
    [[nodiscard]] bool enabled() const { return enabled_; }

    /// Buffers and IP_TRANSPARENT as they would be set before bind; what else there is in the options stays.
    /// Throws SocketError.
    void set_options(const ListenerOptions& options) const;

    /// From now on more sockets with `reuse_port` may be bound to this one's port. Throws SocketError.
    void share_port();

    [[nodiscard]] int descriptor() const { return fd_.get(); }
    [[nodiscard]] const base::Endpoint& local() const { return local_; }
    /// Bound to 0.0.0.0 or ::, so that replies must name the address to leave from (O-17).
    [[nodiscard]] bool wildcard() const { return wildcard_; }
    [[nodiscard]] const ListenerCounters& counters() const { return counters_; }

    /// Reads at most `budget` datagrams in one go and gives each usable one to the callback (L-22). Returns
    /// how many were read. The batch must have room.
    std::size_t read(ReceiveBatch& batch, std::size_t budget);

private:
    Listener(base::UniqueFd fd, bool close_on_free);
    void deliver(Datagram& datagram);

    base::UniqueFd fd_;
    bool close_on_free_ = true;
    bool enabled_ = true;
    bool wildcard_ = false;
    base::Endpoint local_;
    Callback callback_;
    ErrorCallback error_callback_;
    ListenerCounters counters_;
};

}  // namespace net
