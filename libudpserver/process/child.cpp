#include "libudpserver/process/child.hpp"

#include <fmt/core.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include "base/log.hpp"
#include "base/signals.hpp"
#include "base/text.hpp"
#include "libudpserver/ipc/messages.hpp"
#include "libudpserver/process/spawn.hpp"

namespace process {

namespace log = base::log;
namespace msg = base::msg;

namespace {

using base::now;

constexpr std::size_t max_reason = 500;

/// A child that was taken over, or that is wrong, must not keep the parent busy. One that is sound sends most
/// when it publishes all names, or answers a command with all sessions.
constexpr base::Rate max_messages{10'000, 10'000};

/// The change of the log level that a signal causes in the process that receives it.
int level_step(int number) {
    for (const base::HandledSignal& signal : base::handled_signals())
        if (signal.number == number)
            return signal.action == base::SignalAction::level_up     ? 1
                   : signal.action == base::SignalAction::level_down ? -1
                                                                     : 0;
    return 0;
}

}  // namespace

Child::Child(boost::asio::io_context& io, Role role, const Settings& settings, Hooks hooks,
             Unreaped& unreaped)
    : role_(std::move(role)),
      settings_(settings),
      hooks_(std::move(hooks)),
      io_(io),
      unreaped_(unreaped),
      policy_(role_.speed),
      ping_timer_(io),
      state_timer_(io) {
    messages_.on(ipc::MessageType::ready, [this](ipc::Message& message) { on_ready_message(message); });
    messages_.on(ipc::MessageType::pong, [this](ipc::Message& message) { on_pong_message(message); });
    messages_.on(ipc::MessageType::failed, [this](ipc::Message& message) { on_failed_message(message); });
}

Child::~Child() = default;

void Child::handle(ChildEvent event) {
    using Action = void (Child::*)();
    // In the order of ChildAction.
    static constexpr std::array<Action, child_action_count> actions{
        &Child::do_nothing,      &Child::do_fork,         &Child::do_watch,        &Child::do_retry_later,
        &Child::do_report_ready, &Child::do_abort,        &Child::do_await_exit,   &Child::do_restart,
        &Child::do_terminate,    &Child::do_replace,      &Child::do_request_stop, &Child::do_escalate,
        &Child::do_kill,         &Child::do_cancel_start, &Child::do_report_exit};
    const ChildStep step = child_step(status_.state, event);
    log::write(msg::trace, "{}: {} while {} -> {}", role_.name, to_string(event), to_string(status_.state),
               to_string(step.next));
    status_.state = step.next;
    (this->*actions[static_cast<std::size_t>(step.action)])();
}

bool Child::signal(int number) {
    if (!is_running() || ::kill(status_.pid, number) != 0) return false;
    const int step = level_step(number);
    if (step != 0)
        status_.log_level = std::clamp(status_.log_level + step, static_cast<int>(base::LogLevel::error),
                                       static_cast<int>(base::LogLevel::full));
    return true;
}

// A process that other code has waited for is gone too, without a status.
void Child::reap() {
    if (!is_running()) return;
    int wait_status = 0;
    pid_t got = -1;
    do {
        got = ::waitpid(status_.pid, &wait_status, WNOHANG);
    } while (got < 0 && errno == EINTR);
    if (got != 0) has_exited(wait_status);
}

void Child::has_exited(int wait_status) {
    cancel_timers();
    if (link_) link_->read_rest();
    link_.reset();
    status_.last_exit = ExitStatus{wait_status, hung_};
    status_.ended = now();
    last_pid_ = std::exchange(status_.pid, -1);
    report_forbidden_call(wait_status);
    handle(ChildEvent::died);
}

void Child::report_forbidden_call(int wait_status) {
    if (!WIFSIGNALED(wait_status) || WTERMSIG(wait_status) != SIGSYS || !role_.forbidden_call) return;
    ++status_.forbidden_calls;
    log::write(msg::forbidden_call, "{}: killed, pid {}: forbidden system call {}", role_.name, last_pid_,
               role_.forbidden_call());
}

void Child::arm(Duration delay, std::function<void()> action) {
    state_timer_.expires_after(delay);
    state_timer_.async_wait(
        [this, action = std::move(action), armed = ++armed_](boost::system::error_code error) {
            // A timer that expired just before its cancellation reports no error.
            if (!error && armed == armed_) action();
        });
}

void Child::arm(ChildEvent event, Duration delay) {
    arm(delay, [this, event] { handle(event); });
}

void Child::cancel_timers() {
    ++armed_;
    state_timer_.cancel();
    ping_timer_.cancel();
}

void Child::do_fork() {
    try {
        const bool fresh = trust_.is_poisoned();
        if (fresh)
            log::write(msg::arena_wiped, "{}: discarding all sessions: they may have crashed the last {}",
                       role_.name, role_.name);
        Spawned spawned = spawn(role_, settings_, fresh);
        if (status_.started && !status_.left) ++status_.restarts;
        status_.pid = spawned.pid;
        status_.started = now();
        status_.ready.reset();
        status_.log_level = static_cast<int>(log::level());
        hung_ = asked_by_signal_ = status_.left = false;
        reason_.clear();
        log::write(msg::child_started, "{}: started, pid {}", role_.name, status_.pid);
        open_link(std::move(spawned.link));
    } catch (const std::exception& error) {
        reason_ = fmt::format("cannot start: {}", reason_of(error));
        log::write(msg::fork_failed, "{}: {}", role_.name, reason_);
    }
    handle(is_running() ? ChildEvent::forked : ChildEvent::fork_failed);
}

void Child::open_link(base::UniqueFd socket) {
    link_ = std::make_unique<ipc::Channel>(io_, std::move(socket), ipc::Party::parent, role_.party);
    link_->limit(max_messages);
    link_->on_message([this](ipc::Message& message) { on_message(message); });
    link_->on_closed([this](const std::string& reason) {
        log::write(msg::debug, "{}: link lost: {}", role_.name, reason);
        link_.reset();
        handle(ChildEvent::link_lost);
    });
}

void Child::do_watch() {
    last_pong_ = last_tick_ = now();
    wait_for_ping();
}

void Child::wait_for_ping() {
    ping_timer_.expires_after(settings_.ping_interval);
    ping_timer_.async_wait([this](boost::system::error_code error) {
        const bool watched = status_.state == ChildState::starting || status_.state == ChildState::up;
        if (!error && watched && is_running()) tick();
    });
}

void Child::tick() {
    const Instant at = now();
    // If the parent itself was delayed, answers may still wait in the socket.
    if (at - last_tick_ > 2 * settings_.ping_interval) last_pong_ = at;
    last_tick_ = at;
    const Duration limit =
        status_.state == ChildState::up ? settings_.heartbeat : settings_.heartbeat * settings_.start_factor;
    if (at - last_pong_ >= limit) return handle(ChildEvent::heartbeat_lost);
    if (send(ipc::Ping{++sequence_}) == ipc::SendResult::busy)
        log::write(msg::link_busy, "{}: queue full, a ping was not sent", role_.name);
    wait_for_ping();
}

// Messages of a child that is being killed for a fault are ignored.
void Child::on_message(ipc::Message& message) {
    if (status_.state == ChildState::failing) return;
    if (!messages_.dispatch(message)) hooks_.on_message(*this, message);
}

void Child::on_ready_message(ipc::Message& message) {
    const auto ready = ipc::read<ipc::Ready>(message);
    if (!ready) return link_->refuse("malformed ready");
    log::write(msg::debug, "{}: ready, {} sessions adopted, {} aborted", role_.name, ready->adopted,
               ready->aborted);
    handle(ChildEvent::ready);
}

void Child::on_pong_message(ipc::Message& message) {
    const auto pong = ipc::read<ipc::Pong>(message);
    if (!pong || pong->sequence > sequence_) return link_->refuse("malformed pong");
    last_pong_ = now();
}

void Child::on_failed_message(ipc::Message& message) {
    const auto failed = ipc::read<ipc::Failed>(message);
    if (!failed) return link_->refuse("malformed failed");
    reason_ = base::printable(failed->reason, max_reason);
}

void Child::do_retry_later() {
    if (!hooks_.on_fork_failed(*this)) start_after(policy_.died(now(), std::nullopt));
}

void Child::do_report_ready() {
    status_.ready = last_pong_ = now();
    log::write(msg::child_ready, "{}: ready, pid {}", role_.name, status_.pid);
    hooks_.on_ready(*this);
}

void Child::do_abort() {
    log::write(msg::child_hung, "{}: hangs, pid {}: no heartbeat for {}: SIGABRT", role_.name, status_.pid,
               base::format_duration(std::chrono::duration_cast<Duration>(now() - last_pong_)));
    hung_ = true;
    signal(SIGABRT);
    arm(ChildEvent::timeout, settings_.core_timeout);
}

void Child::do_await_exit() {
    arm(ChildEvent::timeout, settings_.exit_timeout);
}

void Child::do_restart() {
    const Instant at = *status_.ended;
    log::write(msg::child_died, "{}: exited unexpectedly, pid {}: {}", role_.name, last_pid_,
               to_string(*status_.last_exit));
    trust_.died(at, status_.ready, *status_.last_exit);
    const Duration delay = policy_.died(at, status_.ready);
    if (const auto least = hooks_.on_crash(*this)) start_after(std::max(delay, *least));
}

void Child::start_after(Duration delay) {
    if (delay.count() > 0)
        log::write(msg::child_restart_delayed, "{}: restarting in {}", role_.name,
                   base::format_duration(delay));
    arm(ChildEvent::start, delay);
}

void Child::do_terminate() {
    cancel_timers();
    status_.left = asked_by_signal_ = true;
    signal(SIGTERM);
    arm(ChildEvent::timeout, settings_.exit_timeout);
}

void Child::do_replace() {
    log::write(msg::child_replaced, "{}: replaced, pid {}: {}", role_.name, last_pid_,
               to_string(*status_.last_exit));
    hooks_.on_replaced(*this);
    do_fork();
}

void Child::do_request_stop() {
    cancel_timers();
    send(ipc::Stop{});
    arm(ChildEvent::timeout, settings_.stop_timeout);
}

void Child::do_escalate() {
    if (asked_by_signal_) return do_kill();
    asked_by_signal_ = true;
    log::write(msg::child_kill, "{}: did not stop within {}, pid {}: SIGTERM", role_.name,
               base::format_duration(settings_.stop_timeout), status_.pid);
    signal(SIGTERM);
    arm(ChildEvent::timeout, settings_.exit_timeout);
}

void Child::do_kill() {
    cancel_timers();
    log::write(msg::child_kill, "{}: killed, pid {}: SIGKILL", role_.name, status_.pid);
    if (signal(SIGKILL)) arm(settings_.kill_timeout, [this] { give_up(); });
}

/// Only the kernel can hold it now, and only in the kernel: it cannot meet the next one.
void Child::give_up() {
    const bool starts_next = status_.state != ChildState::stopping;
    if (starts_next && unreaped_.size() >= Unreaped::max)
        return arm(settings_.kill_timeout, [this] { give_up(); });
    log::write(msg::child_unreaped, "{}: killed, but the kernel does not let it exit, pid {}", role_.name,
               status_.pid);
    unreaped_.add(status_.pid);
    has_exited(SIGKILL);
}

void Child::do_cancel_start() {
    cancel_timers();
    hooks_.on_exit(*this);
}

void Child::do_report_exit() {
    log::write(msg::child_ended, "{}: stopped, pid {}: {}", role_.name, last_pid_,
               to_string(*status_.last_exit));
    hooks_.on_exit(*this);
}

std::string Child::failure() const {
    if (!reason_.empty()) return role_.name + ": " + reason_;
    return role_.name + ": " + (status_.last_exit ? to_string(*status_.last_exit) : "cannot start");
}

std::string describe(const Child& child, Instant at) {
    const ChildStatus& status = child.status();
    std::string text = fmt::format("{} {}", child.role().name, to_string(status.state));
    const auto age = [at](Instant since) {
        return base::format_duration(std::chrono::floor<std::chrono::seconds>(at - since));
    };
    if (child.is_running()) text += fmt::format(" pid {} for {}", status.pid, age(*status.started));
    text += fmt::format(", restarts {}", status.restarts);
    if (status.last_exit)
        text += fmt::format(", last exit {} {} ago", to_string(*status.last_exit), age(*status.ended));
    return text;
}

}  // namespace process
