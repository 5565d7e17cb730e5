#pragma once

#include <ares.h>

#include <boost/circular_buffer.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/endpoint.hpp"
#include "resolvers/settings.hpp"

namespace resolvers {

/// Who uses a channel. Called from inside c-ares, which must not be called from there. What is thrown there
/// ends the process: it must not go through c-ares.
class AresUser {
public:
    /// What c-ares wants to know of its socket; neither: it closes the socket next.
    virtual void watch(ares_socket_t fd, bool readable, bool writable) = 0;
    /// As recvfrom(2); `from` is null for a stream.
    virtual ares_ssize_t receive(ares_socket_t fd, void* buffer, std::size_t size, int flags, sockaddr* from,
                                 ares_socklen_t* from_size) = 0;
    /// The end of the question: a status of c-ares, and the answer if it is ARES_SUCCESS.
    virtual void on_done(int status, std::span<const std::uint8_t> answer) = 0;

protected:
    ~AresUser() = default;
};

/// A channel of c-ares, for one question to one server at a time. It has a socket, and so a source port, only
/// from `ask` to `rest`.
class AresChannel {
public:
    /// Throws std::bad_alloc when c-ares has no memory.
    explicit AresChannel(Transport transport);
    ~AresChannel();
    AresChannel(const AresChannel&) = delete;
    AresChannel& operator=(const AresChannel&) = delete;

    /// Sends the question. Only while the channel rests.
    void ask(AresUser& user, const base::Endpoint& server, std::span<const std::uint8_t> question);
    /// One of the two descriptors is ready, the other is ARES_SOCKET_BAD.
    void process(ares_socket_t readable, ares_socket_t writable);
    /// Ends the question, as ARES_ECANCELLED if it has no answer yet, and closes the socket; then the user
    /// hears nothing more.
    void rest();

private:
    static void on_socket_state(void* self, ares_socket_t fd, int readable, int writable) noexcept;
    static void on_ares_done(void* self, int status, int timeouts, unsigned char* answer, int size) noexcept;
    static int connect(ares_socket_t fd, const sockaddr* address, ares_socklen_t size, void* self) noexcept;
    static ares_ssize_t receive(ares_socket_t fd, void* buffer, std::size_t size, int flags, sockaddr* from,
                                ares_socklen_t* from_size, void* self) noexcept;

    ares_channel channel_ = nullptr;
    AresUser* user_ = nullptr;
    base::Endpoint server_;
};

/// Keeps channels that rest for the next question: c-ares 1.18 needs longer to make one, 72 KiB and a key
/// from the kernel, than for all the rest of a question.
class AresChannels {
public:
    static constexpr std::size_t most_kept = 64;  ///< of each transport

    /// The one that has rested longest: the first use of a channel costs c-ares a step for each second of
    /// rest. Throws std::bad_alloc when c-ares has no memory.
    [[nodiscard]] std::unique_ptr<AresChannel> take(Transport transport);
    /// Takes back one that rests.
    void keep(Transport transport, std::unique_ptr<AresChannel> channel) noexcept;

    [[nodiscard]] std::size_t kept(Transport transport) const { return resting(transport).size(); }

private:
    using Resting = boost::circular_buffer<std::unique_ptr<AresChannel>>;
    [[nodiscard]] const Resting& resting(Transport transport) const {
        return transport == Transport::udp ? udp_ : tcp_;
    }
    [[nodiscard]] Resting& resting(Transport transport) { return transport == Transport::udp ? udp_ : tcp_; }

    Resting udp_{most_kept}, tcp_{most_kept};
};

}  // namespace resolvers
