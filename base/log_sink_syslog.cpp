#include "base/log_sink_syslog.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace base::log {
namespace {

constexpr Duration pause_between_attempts = std::chrono::seconds(1);

// PROXYD_SYSLOG_SOCKET exists for tests, which cannot replace the machine's /dev/log.
std::string socket_path() {
    const char* path = ::secure_getenv("PROXYD_SYSLOG_SOCKET");
    return path != nullptr ? path : "/dev/log";
}

// To the process, not to the calling thread: the writer thread blocks all signals.
void ask_own_process_to_end() {
    ::sigqueue(::getpid(), SIGTERM, {});
}

void (*stop_proxy)() = ask_own_process_to_end;

}  // namespace

void SyslogSink::on_stop(void (*stop)()) {
    stop_proxy = stop;
}

SyslogSink::SyslogSink(const std::string& facility, SyslogFailure policy, std::unique_ptr<Sink> fallback)
    : path_(socket_path()),
      facility_(syslog_facility(facility)),
      policy_(policy),
      fallback_(std::move(fallback)) {
    if (facility_ < 0)
        throw std::runtime_error("log facility '" + facility +
                                 "' is unknown, expected daemon, user, local0 to local7 or the like");
    if (connect()) return;
    const std::string problem = "syslog at " + path_ + " cannot be reached: " + std::strerror(error_);
    if (policy_ == SyslogFailure::stop)
        throw std::runtime_error(problem + "; start the syslog daemon or log to a file");
    // At startup there is still a terminal to report this on; later there is none.
    if (!fallback_)
        std::fprintf(stderr, "proxyd: %s; the log is lost until it can, start the syslog daemon\n",
                     problem.c_str());
}

bool SyslogSink::connect() {
    stream_ = false;
    rest_.clear();
    if (connect_as(SOCK_DGRAM)) return true;
    if (error_ != EPROTOTYPE) return false;
    stream_ = connect_as(SOCK_STREAM);
    return stream_;
}

bool SyslogSink::connect_as(int type) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.size() >= sizeof address.sun_path) {
        error_ = ENAMETOOLONG;
        return false;
    }
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    UniqueFd fd(::socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const bool connected =
        fd && ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    error_ = errno;
    fd_.reset(connected ? std::move(fd) : UniqueFd{});
    return connected;
}

SyslogSink::Result SyslogSink::send(const std::string& text) {
    if (!fd_) return Result::unreachable;
    if (stream_) return send_stream(text);
    if (::send(fd_.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return Result::sent;
    error_ = errno;
    // A full or refused datagram is one lost line; the daemon is still there.
    const bool busy =
        error_ == EAGAIN || error_ == ENOBUFS || error_ == ENOMEM || error_ == EMSGSIZE || error_ == EINTR;
    return busy ? Result::busy : Result::unreachable;
}

// A line ends with a zero byte, as syslog(3) writes it. The daemon may take a part of one: then the rest goes
// first the next time.
SyslogSink::Result SyslogSink::send_stream(const std::string& text) {
    const bool waiting = !rest_.empty();
    if (!waiting) rest_.assign(text.c_str(), text.size() + 1);
    const ssize_t sent = ::send(fd_.get(), rest_.data(), rest_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
        error_ = errno;
        if (!waiting) rest_.clear();
        return error_ == EAGAIN || error_ == EINTR || error_ == ENOBUFS ? Result::busy : Result::unreachable;
    }
    rest_.erase(0, static_cast<std::size_t>(sent));
    if (!waiting) return Result::sent;
    return rest_.empty() ? send_stream(text) : Result::busy;
}

SyslogSink::Result SyslogSink::send_or_reconnect(const std::string& text) {
    if (retry_ && MonotonicClock::now() < *retry_) return Result::unreachable;
    auto result = send(text);
    // A daemon that was restarted has a new socket under the old name.
    if (result == Result::unreachable && connect()) result = send(text);
    return result;
}

bool SyslogSink::write(const LineFormat& format, const Line& line) {
    switch (send_or_reconnect(format.syslog_line(line, facility_))) {
        case Result::sent:
            retry_.reset();
            return true;
        case Result::busy:
            return false;
        case Result::unreachable:
            break;
    }
    return fail(format, line);
}

bool SyslogSink::fail(const LineFormat& format, const Line& line) {
    const auto now = MonotonicClock::now();
    const bool first = !retry_;
    if (first || now >= *retry_) retry_ = now + pause_between_attempts;
    if (first && policy_ == SyslogFailure::stop) stop_proxy();
    if (!fallback_) return false;
    if (first) {
        const auto body =
            format.message_body("syslog at " + path_ + " cannot be reached: " + std::strerror(error_) +
                                "; lines go to this file until it can");
        fallback_->write(format, {line.time, msg::syslog_failed.id, body});
    }
    return fallback_->write(format, line);
}

bool SyslogSink::reopen() {
    return fallback_ && fallback_->reopen();
}

void SyslogSink::after_fork(std::string_view role) {
    retry_.reset();
    if (!fd_.check()) connect();
    if (fallback_) fallback_->after_fork(role);
}

std::vector<int> SyslogSink::descriptors() const {
    std::vector<int> all{fd_.get()};
    if (!fallback_) return all;
    for (const int fd : fallback_->descriptors())
        all.push_back(fd);
    return all;
}

}  // namespace base::log
