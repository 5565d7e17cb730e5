#include "libudpserver/process/log_process.hpp"

#include <fmt/core.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/fatal.hpp"
#include "base/log.hpp"
#include "base/signals.hpp"
#include "base/text.hpp"
#include "libudpserver/process/log_instance.hpp"

namespace process {

namespace log = base::log;
namespace msg = base::msg;

namespace {

constexpr RestartSpeed log_speed{base::Duration(10'000), base::Duration(100), base::Duration(30'000)};
/// A LOG that is replaced writes one more line at most.
constexpr base::Duration leave_limit{1'000};
constexpr base::Duration open_limit{5'000};
/// The kernel ends a process that does not hang in it much sooner.
constexpr base::Duration kill_limit{100};
/// If this number hangs in a disk, no more are started for it.
constexpr std::size_t max_leaving = 3;
constexpr base::Duration look_interval{1'000};

[[noreturn]] void fail_log(const char* what) {
    throw std::system_error(errno, std::system_category(), what);
}

}  // namespace

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
    return std::make_shared<LogInstance>(pid, std::move(ours));
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
    for (auto* timer : {&start_timer_, &open_timer_, &leave_timer_, &look_timer_})
        *timer = std::make_unique<boost::asio::steady_timer>(io);
    for (const InstancePtr& instance : {current_, next_})
        if (instance) watch(instance);
    look_regularly();
}

void LogProcess::look_regularly() {
    const auto receivers = channels_.receivers();
    const bool lines_wait = std::ranges::any_of(
        receivers, [](int receiver) { return becomes_readable(receiver, base::Duration(0)); });
    health_.look(lines_wait, channels_.turns(), channels_.lost(), static_cast<int>(channels_.write_error()),
                 base::MonotonicClock::now());
    look_timer_->expires_after(look_interval);
    look_timer_->async_wait([this](boost::system::error_code error) {
        if (!error) look_regularly();
    });
}

void LogProcess::watch(const InstancePtr& instance) {
    const std::weak_ptr<LogInstance> weak = instance;
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
    for (auto* timer : {&start_timer_, &open_timer_, &leave_timer_, &look_timer_})
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
    const bool may_end = setup_.log.on_syslog_failure == base::SyslogFailure::stop;
    if (word == log_words::end_proxy && may_end && end_proxy_) end_proxy_();
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
        } catch (const std::exception& problem) {
            next_.reset();
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
        watch(next_);
    } catch (const std::exception& error) {
        next_.reset();
        return done(error.what());
    }
    reopened_ = std::move(done);
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

std::string LogProcess::finish(base::Duration limit) {
    const bool watched = io_ != nullptr;
    if (watched) unwatch();
    if (current_ && current_->collect()) current_.reset();
    if (!current_) current_ = std::exchange(next_, nullptr);
    try {
        if (!current_) current_ = launch();
    } catch (const std::system_error& error) {
        return error.what();
    }
    const std::string failure = end(current_, log_words::finish, limit);
    if (next_) static_cast<void>(end(next_, log_words::stop, limit));
    for (const InstancePtr& instance : leaving_)
        if (instance->exits_within(kill_limit)) instance->collect();
    leaving_.clear();
    current_.reset();
    next_.reset();
    report("proxyd is stopping");
    return failure.empty() ? lost_since_stop() : failure;
}

/// Why it did not do it: it could not open the log, or did not exit in time.
std::string LogProcess::end(const InstancePtr& instance, std::string_view word, base::Duration limit) {
    const std::string first = instance->is_open ? "" : instance->word_within(limit);
    instance->say(word);
    const bool exited = instance->exits_within(limit);
    if (!exited) {
        instance->kill();
        static_cast<void>(instance->exits_within(kill_limit));
    }
    const std::optional<ExitStatus> status = instance->collect();
    if (!exited) return fmt::format("{} hangs", log_role);
    if (first.starts_with(log_words::failed)) return first.substr(1);
    return status && status->wait_status != 0 ? to_string(*status) : std::string();
}

/// `syslog-failure: ignore`
bool LogProcess::may_lose_lines() const {
    const base::LogSettings& settings = setup_.log;
    const bool uses_syslog = settings.target == base::LogTarget::syslog ||
                             (settings.target == base::LogTarget::automatic && !setup_.foreground);
    return uses_syslog && settings.on_syslog_failure == base::SyslogFailure::ignore;
}

std::string LogProcess::lost_since_stop() {
    if (may_lose_lines()) return {};
    const std::uint64_t lost = channels_.lost(), before = lost_before_stop_.value_or(lost);
    if (lost == before) return {};
    const auto error = static_cast<int>(channels_.write_error());
    return fmt::format("{} lines are lost{}", lost - before,
                       error == 0 ? "" : std::string(": ") + std::strerror(error));
}

std::string LogProcess::fault(base::Instant now) const {
    if (current_) return health_.fault(!may_lose_lines(), now);
    if (awaits_exit()) return {};
    return failure_.empty() ? "down" : "down: " + failure_;
}

LogProcess::Status LogProcess::status() const {
    Status now = status_;
    now.pid = current_ ? current_->pid() : -1;
    now.lines_lost = channels_.lost();
    now.lines_lost_at = health_.lost_at();
    now.fault = fault(base::MonotonicClock::now());
    return now;
}

}  // namespace process
