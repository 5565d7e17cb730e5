#include "base/log_sink_channel.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/log_wire.hpp"

namespace base::log {
namespace {

/// How long LOG may be busy before lines are lost; it is waited for once only.
constexpr int patience_ms = 500;

}  // namespace

bool ChannelSink::write(const LineFormat& format, const Line& line) {
    const std::string packet = wire_packet(line, format.identity().role);
    const bool sent = send(packet) || (patient_ && wait_for_room() && send(packet));
    if (sent) stalled_ = false;
    return sent;
}

bool ChannelSink::send(std::string_view packet) const {
    ssize_t sent = -1;
    do {
        sent = ::send(channel_->sender.get(), packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

bool ChannelSink::wait_for_room() {
    if (stalled_) return false;
    pollfd room{channel_->sender.get(), POLLOUT, 0};
    stalled_ = ::poll(&room, 1, patience_ms) <= 0;
    return !stalled_;
}

bool ChannelSink::take_lost(std::uint64_t lines) {
    if (!channel_->counters) return false;
    channel_->lost() += lines;
    return true;
}

std::vector<int> ChannelSink::descriptors() const {
    std::vector<int> all{channel_->sender.get()};
    if (standard_error_) all.push_back(STDERR_FILENO);
    return all;
}

}  // namespace base::log
