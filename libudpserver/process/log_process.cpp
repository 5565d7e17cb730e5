#include "libudpserver/process/log_process.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/fatal.hpp"
#include "base/log.hpp"
#include "base/signals.hpp"
#include "base/text.hpp"

namespace process {

namespace log = base::log;
namespace msg = base::msg;
using boost::asio::posix::stream_descriptor;

namespace {

constexpr RestartSpeed log_speed{base::Duration(10'000), base::Duration(100), base::Duration(30'000)};
/// A LOG that is replaced writes one more line at most.
constexpr base::Duration leave_limit{1'000};
constexpr base::Duration open_limit{5'000};
/// The kernel ends a process that does not hang in it much sooner.
constexpr base::Duration kill_limit{100};
/// If this number hangs in a disk, no more are started for it.
constexpr std::size_t max_leaving = 3;
constexpr std::size_t max_log_word = 2048;

[[noreturn]] void fail_log(const char* what) {
    throw std::system_error(errno, std::system_category(), what);
}

bool becomes_readable(int descriptor, base::Duration limit) {
    pollfd watched{descriptor, POLLIN, 0};
    int ready = 0;
    do {
        ready = ::poll(&watched, 1, static_cast<int>(limit.count()));
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

}  // namespace

/// One process.
class LogProcess::Instance : public std::enable_shared_from_this<Instance> {
public:
    Instance(pid_t pid, base::UniqueFd control)
        : pid_(pid),
          control_(std::move(control)),
          exit_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
    ~Instance() { unwatch(); }
    Instance(const Instance&) = delete;
    Instance& operator=(const Instance&) = delete;

    template <typename OnWord, typename OnExit>
    void watch(boost::asio::io_context& io, OnWord on_word, OnExit on_exit) {
        control_watch_.emplace(io, control_.get());
        exit_watch_.emplace(io, exit_.get());
        read_words(on_word);
        exit_watch_->async_wait(stream_descriptor::wait_read, [on_exit](boost::system::error_code error) {
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
        control_watch_->async_wait(stream_descriptor::wait_read,
                                   [weak = weak_from_this(), on_word](boost::system::error_code error) {
                                       const auto self = weak.lock();
                                       if (error || !self || !self->control_watch_) return;
                                       const std::string text = self->word();
                                       if (text.empty()) return;  // it exits
                                       self->read_words(on_word);
                                       on_word(text);
                                   });
    }

    pid_t pid_;
    base::UniqueFd control_, exit_;
    std::optional<stream_descriptor> control_watch_, exit_watch_;
    base::Instant started_ = base::MonotonicClock::now();
    bool exited_ = false;
};

LogProcess::LogProcess(LogSetup setup, const std::vector<std::string>& roles)
    : setup_(std::move(setup)), channels_(roles), policy_(log_speed) {
    std::tie(other_sender_, other_receiver_) = log::packet_pair();
}

LogProcess::~LogProcess() = default;

LogProcess::InstancePtr LogProcess::launch() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) fail_log("socketpair");
    base::UniqueFd ours(ends[0]), theirs(ends[1]);
    const base::BlockSignals quiet;
    const pid_t pid = ::fork();
    if (pid < 0) fail_log("fork");
    if (pid == 0) log_main(setup_, channels_, theirs.get(), other_receiver_.get());
    return std::make_shared<Instance>(pid, std::move(ours));
}

void LogProcess::start(base::Duration limit) {
    open_within(limit);
    go();
}

void LogProcess::try_out(base::Duration limit) {
    open_within(limit);
    next_->say(log_words::stop);
    if (next_->exits_within(kill_limit)) next_->collect();
    next_.reset();
}

void LogProcess::open_within(base::Duration limit) {
    next_ = launch();
    const std::string word = next_->word_within(limit);
    if (word == log_words::opened) {
        next_->is_open = true;
        return;
    }
    std::string reason = word.empty() ? "" : word.substr(1);
    if (reason.empty())
        reason = fmt::format("the log cannot be opened within {}", base::format_duration(limit));
    next_->kill();
    if (next_->exits_within(kill_limit)) next_->collect();
    next_.reset();
    throw base::Fatal(reason);
}

void LogProcess::start_later() {
    next_ = launch();
}

void LogProcess::watch(boost::asio::io_context& io, std::function<void()> end_proxy) {
    io_ = &io;
    end_proxy_ = std::move(end_proxy);
    for (auto* timer : {&start_timer_, &open_timer_, &leave_timer_})
        *timer = std::make_unique<boost::asio::steady_timer>(io);
    for (const InstancePtr& instance : {current_, next_})
        if (instance) watch(instance);
}

void LogProcess::watch(const InstancePtr& instance) {
    const std::weak_ptr<Instance> weak = instance;
    instance->watch(
        *io_,
        [this, weak](const std::string& word) {
            if (const auto one = weak.lock()) on_word(one, word);
        },
        [this, weak] {
            if (const auto one = weak.lock()) on_exit(one);
        });
}

void LogProcess::unwatch() {
    io_ = nullptr;
    for (auto* timer : {&start_timer_, &open_timer_, &leave_timer_})
        timer->reset();
    for (const InstancePtr& instance : {current_, next_})
        if (instance) instance->unwatch();
    for (const InstancePtr& instance : leaving_)
        instance->unwatch();
}

void LogProcess::on_word(const InstancePtr& instance, const std::string& word) {
    if (word == log_words::opened && instance == next_) {
        next_->is_open = true;
        return promote();
    }
    if (word.starts_with(log_words::failed) && instance == next_) return fail_opening(word.substr(1));
    if (word == log_words::end_proxy && end_proxy_) end_proxy_();
}

void LogProcess::on_exit(const InstancePtr& instance) {
    const std::optional<ExitStatus> status = instance->collect();
    if (!status) return;
    instance->unwatch();
    report_forbidden_call(*status, instance->pid());
    if (instance == next_) {
        const std::string word = instance->word();
        return fail_opening(word.starts_with(log_words::failed) ? word.substr(1) : to_string(*status));
    }
    if (instance != current_) return forget_exited();
    status_.last_exit = status;
    status_.ended = base::MonotonicClock::now();
    ++status_.restarts;
    log::write(msg::child_died, "{}: exited unexpectedly, pid {}: {}", log_role, current_->pid(),
               to_string(*status));
    current_.reset();
    if (!next_) start_after(policy_.died(*status_.ended, status_.started));
}

void LogProcess::report_forbidden_call(const ExitStatus& status, pid_t pid) {
    const bool killed = WIFSIGNALED(status.wait_status) && WTERMSIG(status.wait_status) == SIGSYS;
    if (!killed || !setup_.forbidden_call) return;
    ++status_.forbidden_calls;
    log::write(msg::forbidden_call, "{}: killed, pid {}: forbidden system call {}", log_role, pid,
               setup_.forbidden_call());
}

/// The next one has opened the log. The old one must not write beside it.
void LogProcess::promote() {
    if (open_timer_) open_timer_->cancel();
    if (!current_) return go();
    current_->say(log_words::stop);
    retire(std::exchange(current_, nullptr));
    leave_timer_->expires_after(leave_limit);
    leave_timer_->async_wait([this](boost::system::error_code error) {
        if (!error && awaits_exit()) give_up_old();
    });
}

/// The old one hangs, perhaps in the disk.
void LogProcess::give_up_old() {
    if (!leaving_.empty()) {
        log::write(msg::child_kill, "{}: did not stop within {}, pid {}: SIGKILL", log_role,
                   base::format_duration(leave_limit), leaving_.back()->pid());
        leaving_.back()->kill();
    }
    go();
}

bool LogProcess::awaits_exit() const {
    return !current_ && next_ && next_->is_open;
}

void LogProcess::retire(InstancePtr instance) {
    leaving_.push_back(std::move(instance));
}

void LogProcess::forget_exited() {
    std::erase_if(leaving_, [](const InstancePtr& instance) { return instance->exited(); });
    if (!awaits_exit()) return;
    leave_timer_->cancel();
    go();
}

void LogProcess::go() {
    current_ = std::exchange(next_, nullptr);
    current_->say(log_words::go);
    status_.started = current_->started();
    if (!failure_.empty()) log::write(msg::log_reopen_failed, "{}", std::exchange(failure_, {}));
    report({});
}

void LogProcess::fail_opening(const std::string& reason) {
    if (open_timer_) open_timer_->cancel();
    InstancePtr failed = std::exchange(next_, nullptr);
    failed->kill();
    if (!failed->collect()) retire(std::move(failed));
    if (!current_) {
        failure_ = reason;
        start_after(policy_.died(base::MonotonicClock::now(), std::nullopt));
    }
    report(reason);
}

void LogProcess::start_after(base::Duration delay) {
    if (!start_timer_) return;
    start_timer_->expires_after(delay);
    start_timer_->async_wait([this](boost::system::error_code error) {
        if (error || current_ || next_) return;
        if (leaving_.size() >= max_leaving) return start_after(log_speed.max_delay);
        try {
            next_ = launch();
            watch(next_);
        } catch (const std::system_error& problem) {
            log::write(msg::fork_failed, "{}: cannot start: {}", log_role, problem.what());
            start_after(log_speed.max_delay);
        }
    });
}

bool LogProcess::has_file() const {
    return setup_.log.target == base::LogTarget::file ||
           setup_.log.on_syslog_failure == base::SyslogFailure::file;
}

void LogProcess::reopen(Done done) {
    if (next_ || io_ == nullptr) return done("the log is being opened");
    if (leaving_.size() >= max_leaving) return done("earlier LOG processes hang: see the disk of the log");
    try {
        next_ = launch();
    } catch (const std::system_error& error) {
        return done(error.what());
    }
    reopened_ = std::move(done);
    watch(next_);
    open_timer_->expires_after(open_limit);
    open_timer_->async_wait([this](boost::system::error_code error) {
        if (!error && next_ && !next_->is_open)
            fail_opening(
                fmt::format("the log cannot be opened within {}", base::format_duration(open_limit)));
    });
}

void LogProcess::report(const std::string& failure) {
    if (const Done done = std::exchange(reopened_, nullptr)) done(failure);
}

void LogProcess::finish(base::Duration limit) {
    const bool watched = io_ != nullptr;
    if (watched) unwatch();
    if (current_ && current_->collect()) current_.reset();
    if (!current_) current_ = std::exchange(next_, nullptr);
    try {
        if (!current_) current_ = launch();
    } catch (const std::system_error&) {
        return;
    }
    for (const InstancePtr& instance : {current_, next_}) {
        if (!instance) continue;
        instance->say(instance == current_ ? log_words::finish : log_words::stop);
        if (!instance->exits_within(limit)) {
            instance->kill();
            static_cast<void>(instance->exits_within(kill_limit));
        }
        instance->collect();
    }
    for (const InstancePtr& instance : leaving_)
        if (instance->exits_within(kill_limit)) instance->collect();
    leaving_.clear();
    current_.reset();
    next_.reset();
    report("proxyd is stopping");
}

LogProcess::Status LogProcess::status() const {
    Status now = status_;
    now.pid = current_ ? current_->pid() : -1;
    now.lines_lost = channels_.lost();
    return now;
}

}  // namespace process
