#include "libudpserver/control/control_client.hpp"

#include <sys/socket.h>

#include <array>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/log.hpp"
#include "base/text.hpp"
#include "libudpserver/control/answer_line.hpp"

namespace control {

namespace log = base::log;
namespace msg = base::msg;
using boost::asio::posix::stream_descriptor;

namespace {

bool would_wait(int error) {
    return error == EAGAIN || error == EWOULDBLOCK;
}

/// What is left unread when a socket is closed turns the answer before it into an error at the other end.
void drain(int socket) {
    constexpr int pieces = 16;
    std::array<char, 16 * 1024> scratch;
    for (int i = 0; i < pieces; ++i)
        if (::recv(socket, scratch.data(), scratch.size(), MSG_DONTWAIT) <= 0) return;
}

ssize_t send_some(int socket, std::string_view bytes) {
    ssize_t sent = -1;
    do {
        sent = ::send(socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent;
}

}  // namespace

void turn_away(base::UniqueFd socket, std::string_view line) {
    send_some(socket.get(), std::string(line) + "\n");
    drain(socket.get());
}

ControlClient::ControlClient(boost::asio::io_context& io, base::UniqueFd socket, Peer peer,
                             const ControlBounds& bounds, Hooks hooks)
    : socket_(io, socket.get()),
      peer_(std::move(peer)),
      bounds_(bounds),
      hooks_(std::move(hooks)),
      with_line_{boost::asio::steady_timer(io)},
      with_reader_{boost::asio::steady_timer(io)},
      alive_(std::make_shared<ControlClient*>(this)) {
    (void)socket.release();  // socket_ owns it now; not earlier, its constructor can throw
}

ControlClient::~ControlClient() = default;

void ControlClient::start() {
    watch_for_hang_up();
    kick();
}

// Whoever calls an Answer must not find himself called back in the middle of it.
void ControlClient::kick() {
    if (std::exchange(kicked_, true)) return;
    boost::asio::post(socket_.get_executor(), [this, alive = std::weak_ptr(alive_)] {
        if (alive.expired()) return;
        kicked_ = false;
        turn();
    });
}

// Nothing that goes wrong here may end the proxy.
void ControlClient::turn() {
    try {
        take_turn();
    } catch (const std::exception& error) {
        log::write(msg::control_failed, "control client {}: {}", to_string(peer_), error.what());
        close();
    }
}

void ControlClient::take_turn() {
    flush();
    if (!socket_.is_open() || owed() > 0) return;
    if (closing_) return close();
    if (current_ != 0) {
        if (const auto callback = std::exchange(on_writable_, {})) callback();
        return;
    }
    if (const auto line = reader_.next()) {
        end_patience(with_line_);
        handle(*line);
        return kick();
    }
    wait_for_request();
}

void ControlClient::wait_for_request() {
    if (reader_.too_long())
        return give_up(error_line(Code::usage, fmt::format("a request has at most {} bytes", max_request)));
    if (input_ended_) return close();
    if (reader_.half_line() && !with_line_.running)
        start_patience(with_line_, bounds_.line_patience, "half a request");
    wait_readable();
}

void ControlClient::handle(const std::string& line) {
    current_ = ++requests_;
    Answer answer(alive_, current_, peer_);
    try {
        hooks_.on_request(Request::parse(line), answer);
    } catch (const Malformed& malformed) {
        give_up(error_line(malformed));
    } catch (const Failure& failure) {
        answer.fail(failure.code(), failure.what());
    } catch (const std::exception& error) {
        log::write(msg::control_failed, "a command of {}: {}", to_string(peer_), error.what());
        answer.fail(Code::failed, error.what());
    }
}

/// Nothing that follows on this connection can be understood.
void ControlClient::give_up(std::string_view line) {
    current_ = 0;
    closing_ = true;
    write(line);
}

void ControlClient::write(std::string_view line) {
    out_.append(line);
    if (!line.ends_with('\n')) out_ += '\n';
    kick();
}

void ControlClient::finish(std::uint64_t number, std::string_view end_line) {
    if (!answering(number)) return;
    current_ = 0;
    on_writable_ = on_gone_ = {};
    write(end_line);
}

void ControlClient::flush() {
    bool progress = false;
    while (!out_.empty() && socket_.is_open()) {
        const ssize_t sent = send_some(socket_.native_handle(), out_);
        if (sent < 0 && would_wait(errno)) {
            if (progress || !with_reader_.running)
                start_patience(with_reader_, bounds_.read_patience, "what it asked for, without reading it");
            return wait_writable();
        }
        if (sent < 0) return close();
        out_.erase(0, static_cast<std::size_t>(sent));
        progress = true;
    }
    end_patience(with_reader_);
}

// The handlers below may run after the client is gone, even without an error when they were already on their
// way.
void ControlClient::wait_readable() {
    if (std::exchange(reading_, true)) return;
    socket_.async_wait(stream_descriptor::wait_read,
                       [this, alive = std::weak_ptr(alive_)](boost::system::error_code error) {
                           if (alive.expired() || error || !socket_.is_open()) return;
                           reading_ = false;
                           read_some();
                           kick();
                       });
}

void ControlClient::wait_writable() {
    if (std::exchange(writing_, true)) return;
    socket_.async_wait(stream_descriptor::wait_write,
                       [this, alive = std::weak_ptr(alive_)](boost::system::error_code error) {
                           if (alive.expired() || error || !socket_.is_open()) return;
                           writing_ = false;
                           kick();
                       });
}

// While a request is being answered nothing is read, so that a client that goes would not be noticed. One
// that only has no more requests still gets its answers.
void ControlClient::watch_for_hang_up() {
    socket_.async_wait(stream_descriptor::wait_error,
                       [this, alive = std::weak_ptr(alive_)](boost::system::error_code error) {
                           if (alive.expired() || error || !socket_.is_open()) return;
                           close();
                       });
}

void ControlClient::read_some() {
    const auto space = reader_.space();
    if (space.empty()) return;
    const ssize_t got = ::recv(socket_.native_handle(), space.data(), space.size(), MSG_DONTWAIT);
    if (got > 0) reader_.filled(static_cast<std::size_t>(got));
    if (got == 0) input_ended_ = true;
    if (got < 0 && !would_wait(errno) && errno != EINTR) close();
}

void ControlClient::start_patience(Patience& patience, base::Duration limit, const char* with) {
    patience.running = true;
    patience.timer.expires_after(limit);
    patience.timer.async_wait([this, &patience, armed = ++patience.armed, limit, with,
                               alive = std::weak_ptr(alive_)](boost::system::error_code error) {
        // A timer that went off just before it was cancelled comes without an error.
        if (alive.expired() || error || armed != patience.armed) return;
        log::write(msg::control_dropped, "control client {}: waited {} with {}: closed", to_string(peer_),
                   base::format_duration(limit), with);
        close();
    });
}

void ControlClient::end_patience(Patience& patience) {
    if (!std::exchange(patience.running, false)) return;
    ++patience.armed;
    patience.timer.cancel();
}

void ControlClient::close() {
    if (!socket_.is_open()) return;
    end_patience(with_line_);
    end_patience(with_reader_);
    drain(socket_.native_handle());
    boost::system::error_code ignored;
    socket_.close(ignored);
    current_ = 0;
    on_writable_ = {};
    boost::asio::post(socket_.get_executor(),
                      [this, alive = std::weak_ptr(alive_), gone = std::exchange(on_gone_, {})] {
                          if (alive.expired()) return;
                          if (gone) gone();
                          const auto closed = hooks_.on_closed;  // this object may go with it
                          closed();
                      });
}

}  // namespace control
