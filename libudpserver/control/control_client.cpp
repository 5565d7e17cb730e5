#include "libudpserver/control/control_client.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>
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

/// Unread input at the time of the close would discard the answer at the other end.
void drain(int socket) {
    constexpr int pieces = 16;
    std::array<char, 16 * 1024> scratch;
    for (int i = 0; i < pieces; ++i)
        if (::recv(socket, scratch.data(), scratch.size(), MSG_DONTWAIT) <= 0) return;
}

/// What was sent and the other end has not read; the kernel counts whole buffers.
int bytes_in_kernel(int socket) {
    int bytes = 0;
    return ::ioctl(socket, SIOCOUTQ, &bytes) == 0 ? bytes : 0;
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
      line_timeout_{boost::asio::steady_timer(io)},
      read_timeout_{boost::asio::steady_timer(io)},
      alive_(std::make_shared<ControlClient*>(this)) {
    (void)socket.release();  // socket_ owns it now; not earlier, its constructor can throw
}

ControlClient::~ControlClient() = default;

void ControlClient::start() {
    watch_for_hang_up();
    kick();
}

// Posted, so that Answer never calls its caller back.
void ControlClient::kick() {
    if (std::exchange(kicked_, true)) return;
    boost::asio::post(socket_.get_executor(), [this, alive = std::weak_ptr(alive_)] {
        if (alive.expired()) return;
        kicked_ = false;
        turn();
    });
}

// An error of one client must not stop proxyd.
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
    if (!socket_.is_open() || unread() > 0) return;
    if (closing_) return close();
    if (current_ != 0) {
        if (const auto callback = std::exchange(on_writable_, {})) callback();
        return;
    }
    if (const auto line = reader_.next()) {
        cancel(line_timeout_);
        silent_since_.reset();
        handle(*line);
        return kick();
    }
    wait_for_request();
}

void ControlClient::wait_for_request() {
    if (reader_.too_long())
        return give_up(error_line(Code::usage, fmt::format("a request has at most {} bytes", max_request)));
    if (input_ended_) return close();
    if (!silent_since_) silent_since_ = base::MonotonicClock::now();
    if (!line_timeout_.running || has_partial_line_ != reader_.has_partial_line()) {
        has_partial_line_ = reader_.has_partial_line();
        cancel(line_timeout_);
        has_partial_line_ ? start(line_timeout_, bounds_.line_timeout, "an incomplete request")
                          : start(line_timeout_, bounds_.silence_timeout, "no request");
    }
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
        log::write(msg::control_failed, "command of {}: {}", to_string(peer_), error.what());
        answer.fail(Code::failed, error.what());
    }
}

/// After a malformed request the rest of the connection cannot be parsed.
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
    if (!is_answering(number)) return;
    current_ = 0;
    on_writable_ = on_gone_ = {};
    write(end_line);
}

void ControlClient::flush() {
    bool progress = false;
    while (!out_.empty() && socket_.is_open()) {
        const ssize_t sent = send_some(socket_.native_handle(), out_);
        if (sent < 0 && would_wait(errno)) {
            if (progress || !read_timeout_.running) start_read_timeout();
            return wait_writable();
        }
        if (sent < 0) return close();
        out_.erase(0, static_cast<std::size_t>(sent));
        progress = true;
    }
    cancel(read_timeout_);
}

// The handlers below may run after the client is destroyed, even without an error if they were already
// queued.
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

// While a request is answered nothing is read, so a disconnect would go unnoticed. A client that only stops
// sending still gets its answers.
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

// The socket only becomes writable again after most of its buffer was read, so a slow reader would look like
// one that does not read.
void ControlClient::start_read_timeout() {
    read_timeout_.unread = bytes_in_kernel(socket_.native_handle());
    start(read_timeout_, bounds_.read_timeout, "an answer that it does not read");
}

void ControlClient::start(Timeout& timeout, base::Duration limit, const char* what) {
    timeout.running = true;
    timeout.timer.expires_after(limit);
    timeout.timer.async_wait([this, &timeout, armed = ++timeout.armed, limit, what,
                              alive = std::weak_ptr(alive_)](boost::system::error_code error) {
        // A timer that expired just before its cancellation reports no error.
        if (!alive.expired() && !error && armed == timeout.armed) on_timeout(timeout, limit, what);
    });
}

void ControlClient::on_timeout(Timeout& timeout, base::Duration limit, const char* what) {
    const bool has_read =
        &timeout == &read_timeout_ && bytes_in_kernel(socket_.native_handle()) < timeout.unread;
    if (has_read) return start_read_timeout();
    log::write(msg::control_dropped, "control client {}: closed after {} with {}", to_string(peer_),
               base::format_duration(limit), what);
    close();
}

void ControlClient::make_room() {
    log::write(msg::control_dropped,
               "control client {}: closed with no request, another client needs its place", to_string(peer_));
    close();
}

void ControlClient::cancel(Timeout& timeout) {
    if (!std::exchange(timeout.running, false)) return;
    ++timeout.armed;
    timeout.timer.cancel();
}

void ControlClient::close() {
    if (!socket_.is_open()) return;
    cancel(line_timeout_);
    cancel(read_timeout_);
    drain(socket_.native_handle());
    boost::system::error_code ignored;
    socket_.close(ignored);
    current_ = 0;
    on_writable_ = {};
    boost::asio::post(socket_.get_executor(),
                      [this, alive = std::weak_ptr(alive_), gone = std::exchange(on_gone_, {})] {
                          if (alive.expired()) return;
                          if (gone) gone();
                          const auto closed = hooks_.on_closed;  // it may destroy this object
                          closed();
                      });
}

}  // namespace control
