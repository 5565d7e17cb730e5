#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/token_bucket.hpp"
#include "base/unique_fd.hpp"
#include "libudpserver/ipc/descriptors.hpp"
#include "libudpserver/ipc/message.hpp"

namespace ipc {

/// The two ends of a new link: SEQPACKET, close-on-exec, non-blocking. Throws std::system_error.
std::pair<base::UniqueFd, base::UniqueFd> link_pair();

enum class SendResult {
    sent,     ///< accepted by the kernel
    queued,   ///< sent when the peer reads
    busy,     ///< the queue is full; not sent, retry later or drop it
    closed,   ///< the link is closed
    refused,  ///< a bug here: too long, too many descriptors, or not in the table
};

/// One end of a link to another process. Never blocks: packets that the peer does not read are queued, up to
/// a limit. A malformed header, or a message that the table in message_type.hpp does not permit, closes the
/// link with UDPS-310-E; so does an exit of the peer. Callbacks run from the io_context, never inside a call,
/// and may destroy the channel.
class Channel {
public:
    static constexpr std::size_t max_queue = 256;

    using MessageCallback = std::function<void(Message&)>;
    using ClosedCallback = std::function<void(const std::string& reason)>;

    Channel(boost::asio::io_context& io, base::UniqueFd socket, Party self, Party peer);
    ~Channel();
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    /// Set both before the loop runs; without a callback messages are dropped.
    void on_message(MessageCallback callback);
    void on_closed(ClosedCallback callback);

    /// The caller keeps the descriptors; a queued packet holds copies.
    SendResult send(MessageType type, std::uint32_t id, const Encoder& body,
                    std::span<const int> descriptors = {});

    /// The typed form: `channel.send(Ping{7})`.
    template <typename T>
    SendResult send(const T& message, std::uint32_t id = 0, std::span<const int> descriptors = {}) {
        Encoder body;
        message.encode(body);
        return send(T::type, id, body, descriptors);
    }

    /// Reads no more packets than this. What the peer sends beyond it waits in its socket, then in its queue.
    void limit(base::Rate packets) { rate_ = packets; }

    /// Closes the link after a malformed message of the peer; logs UDPS-310-E and calls on_closed.
    void refuse(std::string_view why);

    /// Closes the link without calling on_closed.
    void close();

    /// Delivers now what the peer sent before it exited.
    void read_rest() {
        if (open()) read_some();
    }

    [[nodiscard]] bool open() const { return socket_.is_open(); }
    [[nodiscard]] int descriptor() { return socket_.native_handle(); }
    [[nodiscard]] Party peer() const { return peer_; }
    [[nodiscard]] std::size_t queued() const { return queue_.size(); }

private:
    struct Packet {
        std::vector<std::byte> bytes;
        std::vector<base::UniqueFd> descriptors;
    };
    /// Outlives the channel while a callback runs that destroys it.
    struct Receiver {
        MessageCallback message;
        ClosedCallback closed;
        std::array<std::byte, max_packet> buffer;
    };

    void wait_readable();
    void wait_for_token();
    void wait_writable();
    void read_some();
    void write_queue();
    bool deliver(ReceivedPacket& packet);
    bool parse(ReceivedPacket& packet, Message& message);
    SendResult enqueue(std::vector<std::byte> packet, std::span<const int> descriptors);
    void shut(std::string reason);

    boost::asio::posix::stream_descriptor socket_;
    Party self_, peer_;
    std::deque<Packet> queue_;
    base::Rate rate_;
    base::TokenBucket bucket_;
    boost::asio::steady_timer token_timer_;
    std::shared_ptr<Receiver> receiver_;
};

}  // namespace ipc
