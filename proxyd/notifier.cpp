// The protocol is a datagram of lines, so it is written here: a library of its own would bring more code into
// this process than it replaces.

#include "proxyd/notifier.hpp"

#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

namespace proxyd {

namespace {

constexpr base::Duration status_interval{1'000};

std::string_view from_environment(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? std::string_view() : value;
}

/// Zero if none is expected.
base::Duration watchdog_timeout() {
    const std::string_view text = from_environment("WATCHDOG_USEC");
    std::uint64_t usec = 0;
    std::from_chars(text.data(), text.data() + text.size(), usec);
    constexpr std::uint64_t day = 86'400'000'000;
    return std::chrono::duration_cast<base::Duration>(std::chrono::microseconds(std::min(usec, day)));
}

/// A path, or a name without a file after `@`. Zero for anything else.
socklen_t fill(sockaddr_un& address, std::string_view name) {
    if (name.size() < 2 || name.size() >= sizeof address.sun_path) return 0;
    if (name.front() != '/' && name.front() != '@') return 0;
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name.front() == '@') address.sun_path[0] = '\0';
    return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
}

/// The manager reads quickly; if it does not, this process waits no longer than this.
void limit_waiting(int socket) {
    const timeval limit{1, 0};
    static_cast<void>(::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit));
}

}  // namespace

Notifier::Notifier(boost::asio::io_context& io)
    : timer_(io),
      address_size_(fill(address_, from_environment("NOTIFY_SOCKET"))),
      interval_(status_interval) {
    if (address_size_ == 0) return;
    socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket_) return;
    limit_waiting(socket_.get());
    const base::Duration watchdog = watchdog_timeout();
    has_watchdog_ = watchdog > base::Duration::zero();
    if (has_watchdog_) interval_ = std::clamp(watchdog / 4, base::Duration(1), status_interval);
}

void Notifier::start(Status status) {
    status_ = std::move(status);
    if (socket_) turn();
}

void Notifier::turn() {
    send(MSG_DONTWAIT);
    timer_.expires_after(interval_);
    timer_.async_wait([this](boost::system::error_code error) {
        if (!error) turn();
    });
}

// A daemon has another pid than the process that the manager started.
void Notifier::ready() {
    if (std::exchange(is_ready_, true)) return;
    report("READY=1\nMAINPID=" + std::to_string(::getpid()) + "\n");
}

void Notifier::reloading() {
    is_ready_ = false;
    const auto now = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now().time_since_epoch());
    report("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.count()) + "\n");
}

void Notifier::stopping() {
    report("STOPPING=1\n");
}

// A change of state is worth a short wait: an exec or the exit may follow.
void Notifier::report(std::string state) {
    unsent_ = std::move(state);
    send(0);
}

/// What the manager does not know yet. What cannot be sent now is part of the next turn.
void Notifier::send(int flags) {
    if (!socket_) return;
    std::string status = status_ ? status_() : std::string();
    std::string message = unsent_;
    if (has_watchdog_) message += "WATCHDOG=1\n";
    if (status != last_status_) message += "STATUS=" + status + "\n";
    if (message.empty()) return;
    const ssize_t sent = ::sendto(socket_.get(), message.data(), message.size(), flags | MSG_NOSIGNAL,
                                  reinterpret_cast<const sockaddr*>(&address_), address_size_);
    if (sent < 0) return;
    unsent_.clear();
    last_status_ = std::move(status);
}

}  // namespace proxyd
