#include "proxyctl/connection.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>

#include "base/text.hpp"
#include "libudpserver/control/answer_line.hpp"
#include "proxyctl/failure.hpp"
#include "proxyctl/server_trust.hpp"

namespace proxyctl {

namespace {

constexpr base::Duration connect_retry_delay{20};

int milliseconds(base::Duration duration) {
    return static_cast<int>(std::clamp<base::Duration::rep>(duration.count(), 0, INT_MAX));
}

bool was_interrupted(Signals* interrupt) {
    return interrupt != nullptr && !interrupt->take().empty();
}

[[noreturn]] void fail_connect(const std::string& path, int error) {
    switch (error) {
        case ENOENT:
            fail(exit_status::not_running,
                 "{}: no such socket; the instance is not running or has another control.socket", path);
        case ECONNREFUSED:
            fail(exit_status::not_running, "{}: connection refused; the instance is not running", path);
        case EACCES:
        case EPERM:
            fail(exit_status::no_right, "{}: permission denied; run as root or as a member of control.group",
                 path);
        default:
            fail(exit_status::failed, "{}: connect: {}", path, std::strerror(error));
    }
}

[[noreturn]] void fail_silent(const std::string& path, base::Duration limit) {
    fail(exit_status::timed_out, "{}: no answer within {}; the proxy is busy or stopped", path,
         base::format_duration(limit));
}

}  // namespace

bool wait_for(int descriptor, short events, const Timeout& timeout) {
    const base::Instant end = base::MonotonicClock::now() + timeout.limit;
    const int interrupt = timeout.interrupt != nullptr ? timeout.interrupt->descriptor() : -1;
    for (;;) {
        const base::Duration left = end - base::MonotonicClock::now();
        std::array<pollfd, 2> waiting{{{descriptor, events, 0}, {interrupt, POLLIN, 0}}};
        const int ready = ::poll(waiting.data(), waiting.size(),
                                 timeout.limit == base::Duration::zero() ? -1 : milliseconds(left));
        if (ready < 0 && errno != EINTR) fail(exit_status::failed, "poll: {}", std::strerror(errno));
        if (was_interrupted(timeout.interrupt)) throw Interrupted();
        if (ready > 0 && waiting[0].revents != 0) return true;
        if (ready == 0) return false;
    }
}

Connection::Connection(const std::string& path, const Timeout& timeout)
    : path_(path),
      fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
      lines_(control::max_answer_line) {
    if (!fd_) fail(exit_status::failed, "socket: {}", std::strerror(errno));
    connect(timeout);
}

bool Connection::try_connect() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.empty() || path_.size() >= sizeof address.sun_path) {
        fail(exit_status::misused, "invalid socket path '{}' (1 to {} characters)", base::printable(path_),
             sizeof address.sun_path - 1);
    }
    std::copy(path_.begin(), path_.end(), address.sun_path);
    if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
    if (errno == EAGAIN) return false;  // the backlog is full
    fail_connect(path_, errno);
}

void Connection::connect(const Timeout& timeout) {
    const base::Instant end = base::MonotonicClock::now() + timeout.limit;
    while (!try_connect()) {
        if (timeout.limit != base::Duration::zero() && base::MonotonicClock::now() >= end) {
            fail_silent(path_, timeout.limit);
        }
        wait_for(-1, 0, {connect_retry_delay, timeout.interrupt});
    }
    check_server(fd_.get(), path_);
}

void Connection::send(std::string_view line, const Timeout& timeout) {
    std::string text(line);
    text += '\n';
    for (std::string_view rest = text; !rest.empty();) {
        const ssize_t sent = ::send(fd_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent > 0) {
            rest.remove_prefix(static_cast<std::size_t>(sent));
        } else if (errno == EAGAIN) {
            if (!wait_for(fd_.get(), POLLOUT, timeout)) fail_silent(path_, timeout.limit);
        } else if (errno == EPIPE || errno == ECONNRESET) {
            return;  // what the server sent before, such as a refusal, can still be read
        } else if (errno != EINTR) {
            fail(exit_status::failed, "{}: {}", path_, std::strerror(errno));
        }
    }
}

bool Connection::receive() {
    const std::span<char> space = lines_.space();
    const ssize_t got = ::recv(fd_.get(), space.data(), space.size(), 0);
    if (got > 0) lines_.filled(static_cast<std::size_t>(got));
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

std::optional<std::string> Connection::take_line() {
    std::optional<std::string> line = lines_.next();
    if (!line && lines_.too_long()) {
        fail(exit_status::failed, "{}: a line of the answer exceeds {} bytes; is this a proxyd socket?",
             path_, control::max_answer_line);
    }
    return line;
}

std::optional<std::string> Connection::read_line(const Timeout& timeout) {
    for (;;) {
        if (auto line = take_line()) return line;
        if (!wait_for(fd_.get(), POLLIN, timeout)) fail_silent(path_, timeout.limit);
        if (!receive()) return take_line();
    }
}

pid_t Connection::peer() const {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(fd_.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return 0;
    return credentials.pid;
}

}  // namespace proxyctl
