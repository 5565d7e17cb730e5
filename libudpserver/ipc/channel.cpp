#include "libudpserver/ipc/channel.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <cstring>
#include <system_error>

#include "base/log.hpp"

namespace ipc {

namespace log = base::log;
namespace msg = base::msg;
using boost::asio::posix::stream_descriptor;

namespace {

// Packets that are read before other handlers of the loop run.
constexpr int packets_a_turn = 32;
/// A peer that sends more than its limit is read again after this time.
constexpr base::Duration token_delay{20};

int copy_descriptor(int fd) {
    return ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

bool would_wait(int error) {
    return error == EAGAIN || error == EWOULDBLOCK;
}

// A temporary shortage in the kernel; the link itself is intact.
bool short_of_something(int error) {
    return error == ENOBUFS || error == ENOMEM || error == ETOOMANYREFS;
}

std::vector<std::byte> make_packet(MessageType type, std::uint32_t id, std::span<const std::byte> body) {
    Encoder header;
    encode(header, Header{static_cast<std::uint16_t>(type), 0, id});
    std::vector<std::byte> packet(header.data().begin(), header.data().end());
    packet.insert(packet.end(), body.begin(), body.end());
    return packet;
}

}  // namespace

std::pair<base::UniqueFd, base::UniqueFd> link_pair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        throw std::system_error(errno, std::system_category(), "socketpair");
    return {base::UniqueFd(ends[0]), base::UniqueFd(ends[1])};
}

Channel::Channel(boost::asio::io_context& io, base::UniqueFd socket, Party self, Party peer)
    : socket_(io, socket.get()),
      self_(self),
      peer_(peer),
      token_timer_(io),
      receiver_(std::make_shared<Receiver>()) {
    (void)socket.release();  // socket_ owns it now; not earlier, its constructor can throw
    wait_readable();
}

Channel::~Channel() = default;

void Channel::on_message(MessageCallback callback) {
    receiver_->message = std::move(callback);
}

void Channel::on_closed(ClosedCallback callback) {
    receiver_->closed = std::move(callback);
}

SendResult Channel::send(MessageType type, std::uint32_t id, const Encoder& body,
                         std::span<const int> descriptors) {
    if (!open()) return SendResult::closed;
    const bool too_many = descriptors.size() > max_descriptors;
    const bool forbidden = !descriptors.empty() && !may_carry_descriptors(type);
    if (!body.ok() || too_many || forbidden || !may_send(type, self_, peer_)) return SendResult::refused;

    log::write(msg::trace, "{} -> {}: {} id {} {} bytes {} descriptors", to_string(self_), to_string(peer_),
               to_string(type), id, body.data().size(), descriptors.size());
    auto packet = make_packet(type, id, body.data());
    if (!queue_.empty()) return enqueue(std::move(packet), descriptors);
    const int error = send_packet(socket_.native_handle(), packet, descriptors);
    if (error == 0) return SendResult::sent;
    if (would_wait(error)) return enqueue(std::move(packet), descriptors);
    if (short_of_something(error)) return SendResult::busy;
    shut(std::strerror(error));
    return SendResult::closed;
}

SendResult Channel::enqueue(std::vector<std::byte> packet, std::span<const int> descriptors) {
    if (queue_.size() >= max_queue) return SendResult::busy;
    Packet copy{std::move(packet), {}};
    for (int fd : descriptors) {
        copy.descriptors.emplace_back(copy_descriptor(fd));
        if (!copy.descriptors.back().valid()) return SendResult::busy;
    }
    queue_.push_back(std::move(copy));
    if (queue_.size() == 1) wait_writable();
    return SendResult::queued;
}

void Channel::refuse(std::string_view why) {
    if (!open()) return;
    log::write(msg::link_refused, "link {} -> {}: {}", to_string(peer_), to_string(self_), why);
    shut(std::string(why));
}

void Channel::close() {
    boost::system::error_code ignored;
    socket_.close(ignored);
    queue_.clear();
}

// The callback is posted, so that send() and refuse() never call their caller back.
void Channel::shut(std::string reason) {
    if (!open()) return;
    const auto executor = socket_.get_executor();
    close();
    boost::asio::post(executor, [alive = std::weak_ptr(receiver_), reason = std::move(reason)] {
        const auto receiver = alive.lock();
        if (receiver && receiver->closed) receiver->closed(reason);
    });
}

// The handlers below may run after the channel is destroyed, with an error, or without one if they were
// already queued. The weak pointer detects it.
void Channel::wait_readable() {
    socket_.async_wait(stream_descriptor::wait_read,
                       [this, alive = std::weak_ptr(receiver_)](boost::system::error_code error) {
                           if (alive.expired() || error || !open()) return;
                           read_some();
                       });
}

void Channel::wait_for_token() {
    token_timer_.expires_after(token_delay);
    token_timer_.async_wait([this, alive = std::weak_ptr(receiver_)](boost::system::error_code error) {
        if (alive.expired() || error || !open()) return;
        read_some();
    });
}

void Channel::wait_writable() {
    socket_.async_wait(stream_descriptor::wait_write,
                       [this, alive = std::weak_ptr(receiver_)](boost::system::error_code error) {
                           if (alive.expired() || error || !open()) return;
                           write_queue();
                       });
}

void Channel::write_queue() {
    while (!queue_.empty()) {
        const Packet& packet = queue_.front();
        std::vector<int> descriptors;
        for (const auto& fd : packet.descriptors)
            descriptors.push_back(fd.get());
        const int error = send_packet(socket_.native_handle(), packet.bytes, descriptors);
        if (would_wait(error)) return wait_writable();
        if (error != 0) return shut(std::strerror(error));
        queue_.pop_front();
    }
}

void Channel::read_some() {
    for (int i = 0; i < packets_a_turn; ++i) {
        if (!bucket_.take(rate_, base::now())) return wait_for_token();
        ReceivedPacket packet = receive_packet(socket_.native_handle(), receiver_->buffer);
        if (would_wait(packet.error)) break;
        if (packet.error != 0) return shut(std::strerror(packet.error));
        if (packet.size == 0) return shut("end of file");
        if (!deliver(packet)) return;
    }
    wait_readable();
}

// False if the channel is closed or destroyed: the reader must not touch it any more.
bool Channel::deliver(ReceivedPacket& packet) {
    Message message;
    if (!parse(packet, message)) return false;
    const std::weak_ptr<Receiver> alive = receiver_;
    if (auto receiver = receiver_; receiver->message) receiver->message(message);
    return !alive.expired() && open();
}

bool Channel::parse(ReceivedPacket& packet, Message& message) {
    message.body = Decoder(std::span(receiver_->buffer).first(packet.size));
    const Header header = decode_header(message.body);
    const auto type = message_type(header.type);
    std::string why;
    if (packet.truncated)
        why = "packet too long";
    else if (!message.body.ok())
        why = "malformed header";
    else if (!type)
        why = fmt::format("unknown message type {}", header.type);
    else if (!may_send(*type, peer_, self_))
        why = fmt::format("{} is not allowed to send {}", to_string(peer_), to_string(*type));
    else if ((!packet.descriptors.empty() || packet.descriptors_lost) && !may_carry_descriptors(*type))
        why = fmt::format("{} with descriptors", to_string(*type));
    if (!why.empty()) {
        refuse(why);
        return false;
    }
    message.type = *type;
    message.id = header.id;
    message.descriptors = std::move(packet.descriptors);
    message.descriptors_lost = packet.descriptors_lost;
    log::write(msg::trace, "{} <- {}: {} id {}", to_string(self_), to_string(peer_), to_string(*type),
               header.id);
    return true;
}

}  // namespace ipc
