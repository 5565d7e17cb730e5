#include "proxyd/status_target.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace proxyd {

using boost::asio::posix::stream_descriptor;

namespace {

class NoStatusTarget : public StatusTarget {
public:
    void begin(Then then) override { then(false); }
    void put(std::string, Then then) override { then(false); }
    void finish(Then then) override { then(false); }
};

}  // namespace

std::unique_ptr<StatusTarget> make_status_target(boost::asio::io_context& io, int sender) {
    if (sender < 0) return std::make_unique<NoStatusTarget>();
    return std::make_unique<RemoteStatusTarget>(io, sender);
}

RemoteStatusTarget::~RemoteStatusTarget() {
    socket_.release();  // it belongs to LogProcess
}

void RemoteStatusTarget::put(std::string text, Then then) {
    if (text.empty()) return then(true);
    const std::string packet = status_packets::piece + text.substr(0, status_packets::max_piece);
    text.erase(0, status_packets::max_piece);
    send(packet, [this, rest = std::move(text), then = std::move(then)](bool sent) {
        sent ? put(rest, then) : then(false);
    });
}

void RemoteStatusTarget::send(std::string packet, Then then) {
    if (::send(socket_.native_handle(), packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        return then(true);
    if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS) return then(false);
    socket_.async_wait(stream_descriptor::wait_write,
                       [this, alive = std::weak_ptr(alive_), packet = std::move(packet),
                        then = std::move(then)](boost::system::error_code error) {
                           if (!alive.expired() && !error) send(packet, then);
                       });
}

}  // namespace proxyd
