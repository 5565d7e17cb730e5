#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/clock.hpp"
#include "base/unique_fd.hpp"
#include "libudpserver/process/exit_status.hpp"

namespace process {

inline bool becomes_readable(int descriptor, base::Duration limit) {
    pollfd watched{descriptor, POLLIN, 0};
    int ready = 0;
    do {
        ready = ::poll(&watched, 1, static_cast<int>(limit.count()));
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

/// One LOG: what its parent says to it and hears from it, and its exit.
class LogInstance : public std::enable_shared_from_this<LogInstance> {
public:
    LogInstance(pid_t pid, base::UniqueFd control)
        : pid_(pid),
          control_(std::move(control)),
          exit_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {
        if (exit_.valid()) return;
        const int error = errno;
        kill();
        throw std::system_error(error, std::system_category(), "pidfd_open");
    }
    ~LogInstance() { unwatch(); }
    LogInstance(const LogInstance&) = delete;
    LogInstance& operator=(const LogInstance&) = delete;

    template <typename OnWord, typename OnExit>
    void watch(boost::asio::io_context& io, OnWord on_word, OnExit on_exit) {
        control_watch_.emplace(io, control_.get());
        exit_watch_.emplace(io, exit_.get());
        read_words(on_word);
        exit_watch_->async_wait(boost::asio::posix::stream_descriptor::wait_read,
                                [on_exit](boost::system::error_code error) {
                                    if (!error) on_exit();
                                });
    }
    void unwatch() {
        if (control_watch_) control_watch_->release();
        if (exit_watch_) exit_watch_->release();
        control_watch_.reset();
        exit_watch_.reset();
    }

    void say(std::string_view word) const {
        static_cast<void>(::send(control_.get(), word.data(), word.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
    }
    /// Empty without a word, or if it has exited.
    [[nodiscard]] std::string word() const {
        constexpr std::size_t max_log_word = 2048;
        std::array<char, max_log_word> word;
        const ssize_t got = ::recv(control_.get(), word.data(), word.size(), MSG_DONTWAIT);
        return {word.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
    }
    [[nodiscard]] std::string word_within(base::Duration limit) const {
        return becomes_readable(control_.get(), limit) ? word() : std::string();
    }

    [[nodiscard]] bool exits_within(base::Duration limit) const {
        return becomes_readable(exit_.get(), limit);
    }
    void kill() const { ::kill(pid_, SIGKILL); }
    /// Nothing while it runs.
    std::optional<ExitStatus> collect() {
        ExitStatus status;
        pid_t got = -1;
        do {
            got = ::waitpid(pid_, &status.wait_status, WNOHANG);
        } while (got < 0 && errno == EINTR);
        if (got == 0) return std::nullopt;
        exited_ = true;
        return status;
    }
    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] bool exited() const { return exited_; }
    [[nodiscard]] base::Instant started() const { return started_; }

    bool is_open = false;

private:
    template <typename OnWord>
    void read_words(OnWord on_word) {
        control_watch_->async_wait(boost::asio::posix::stream_descriptor::wait_read,
                                   [weak = weak_from_this(), on_word](boost::system::error_code error) {
                                       const auto self = weak.lock();
                                       if (error || !self || !self->control_watch_) return;
                                       const std::string text = self->word();
                                       if (text.empty()) return;  // it exits
                                       if (++self->words_ < max_words) self->read_words(on_word);
                                       on_word(text);
                                   });
    }

    /// A sound LOG says a few in its life; one that was taken over must not keep the parent busy.
    static constexpr unsigned max_words = 16;

    pid_t pid_;
    unsigned words_ = 0;
    base::UniqueFd control_, exit_;
    std::optional<boost::asio::posix::stream_descriptor> control_watch_, exit_watch_;
    base::Instant started_ = base::MonotonicClock::now();
    bool exited_ = false;
};

}  // namespace process
