#include "libudpserver/process/supervisor.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <csignal>
#include <utility>

#include "base/log.hpp"
#include "base/text.hpp"
#include "libudpserver/ipc/messages.hpp"

namespace process {

namespace log = base::log;
namespace msg = base::msg;

Supervisor::Supervisor(boost::asio::io_context& io, Settings settings, base::SignalInbox& signals)
    : io_(io),
      settings_(std::move(settings)),
      signals_(io, signals),
      loop_(settings_.max_restarts),
      loop_timer_(io),
      links_(io, settings_.link_retry_delay, [this](ipc::Party party) { return find(party); }) {
    messages_.on(ipc::MessageType::link_lost, [this](Child& child, ipc::Message& message) {
        const auto lost = ipc::read<ipc::LinkLost>(message);
        if (!lost) return child.link()->refuse("malformed link-lost");
        links_.lost(child.role().party, lost->peer);
    });
}

Supervisor::~Supervisor() = default;

Child& Supervisor::add_role(Role role) {
    Child::Hooks hooks{
        [this](Child& child, ipc::Message& message) { on_message(child, message); },
        [this](Child& child) { on_ready(child); },
        [this](Child& child) {
            on_exit(child);
            return on_crash(child);
        },
        [this](const Child& child) { return gives_up_start(child); },
        [this](Child& child) {
            on_exit(child);
            check_finished();
        },
        [this](Child& child) { on_exit(child); },
    };
    Child& child = *children_.emplace_back(
        std::make_unique<Child>(io_, std::move(role), settings_, std::move(hooks), unreaped_));
    if (started_ && !stopping_ && !paused_) child.start();
    return child;
}

void Supervisor::remove_role(ipc::Party party) {
    const auto found =
        std::ranges::find(children_, party, [](const auto& child) { return child->role().party; });
    if (stopping_ || found == children_.end()) return;
    Child& child = *removed_.emplace_back(std::move(*found));
    children_.erase(found);
    child.stop();
}

void Supervisor::replace(ipc::Party party) {
    Child* const child = find(party);
    if (child && !stopping_ && !paused_) child->replace();
}

void Supervisor::pause(Pause how, Callback then) {
    if (stopping_ || std::exchange(paused_, true)) return;
    on_paused_ = std::move(then);
    for (const auto& child : children_)
        how == Pause::leave ? child->leave() : child->stop();
    check_finished();  // there may be no process
}

void Supervisor::resume() {
    if (stopping_ || !std::exchange(paused_, false)) return;
    on_paused_ = {};
    for (const auto& child : children_)
        child->start();
}

void Supervisor::adjust(const Settings& settings) {
    settings_.max_restarts = settings.max_restarts;
    settings_.heartbeat = settings.heartbeat;
    settings_.ping_interval = settings.ping_interval;
    settings_.stop_timeout = settings.stop_timeout;
    settings_.ends_in_crash_loop = settings.ends_in_crash_loop;
    loop_.set_limit(settings.max_restarts);
}

void Supervisor::on(ipc::MessageType type, MessageHandler handler) {
    messages_.on(type, std::move(handler));
}

Child* Supervisor::find(ipc::Party party) {
    const auto found =
        std::ranges::find(children_, party, [](const auto& child) { return child->role().party; });
    return found == children_.end() ? nullptr : found->get();
}

bool Supervisor::all_ready() const {
    return std::ranges::all_of(children_,
                               [](const auto& child) { return child->status().state == ChildState::up; });
}

void Supervisor::start(std::optional<Instant> since) {
    started_ = since.value_or(base::MonotonicClock::now());
    signals_.start([this](const base::TakenSignals& taken) { on_signals(taken); });
    for (const auto& child : children_)
        child->start();
}

void Supervisor::stop() {
    shut_down(0);
}

// Reap children first, then handle signals, with shutdown last, so that no earlier signal is lost.
void Supervisor::on_signals(const base::TakenSignals& taken) {
    if (taken.child) reap();
    change_level(SIGUSR1, taken.level_steps(), log::raise_level);
    change_level(SIGUSR2, -taken.level_steps(), log::lower_level);
    if (taken.reopen > 0) reopen_log(base::signal_name(SIGWINCH), [](const std::string&) {});
    if (taken.info > 0) log_info();
    for (int number : taken.ignored)
        log::write(msg::signal_ignored, "{}: ignored, {} arrived with it", base::signal_name(number),
                   base::signal_name(taken.end));
    if (taken.end == 0) return;
    if (taken.end == SIGHUP && !stopping_ && on_hang_up_ && on_hang_up_()) return;
    log::write(msg::signal_received, "{}: shutting down{}", base::signal_name(taken.end),
               stopping_ ? " at once" : "");
    shut_down(0);
}

void Supervisor::relay(int number) {
    for (const auto& child : children_)
        if (child->signal(number))
            log::write(msg::signal_relayed, "{}: relayed to {}, pid {}", base::signal_name(number),
                       child->role().name, child->status().pid);
}

// Each child has its own level: a step of the parent is a step of every child (K-15).
void Supervisor::change_level(int number, int steps, void (*step)()) {
    for (; steps > 0; --steps) {
        log::write(msg::signal_received, "{}: log level {}", base::signal_name(number),
                   number == SIGUSR1 ? "up" : "down");
        step();
        relay(base::queued_signal(number));
    }
}

void Supervisor::reopen_log(std::string_view why, const Reopened& done) {
    log::write(msg::signal_received, "{}: reopening the log", why);
    if (on_reopen_) return on_reopen_(done);
    log::reopen();
    relay(SIGWINCH);
    done({});
}

std::vector<std::string> Supervisor::info_lines(Instant now) const {
    const auto age =
        started_ ? std::chrono::floor<std::chrono::seconds>(now - *started_) : std::chrono::seconds(0);
    std::vector<std::string> lines{fmt::format("supervisor {} pid {} for {}, log level {}",
                                               stopping_       ? "stopping"
                                               : is_degraded() ? "degraded"
                                                               : "up",
                                               ::getpid(), base::format_duration(age),
                                               static_cast<int>(log::level()))};
    for (const auto& child : children_)
        lines.push_back(describe(*child, now));
    return lines;
}

void Supervisor::log_info() {
    for (const std::string& line : info_lines(base::MonotonicClock::now()))
        log::write(msg::info, "{}", line);
    relay(SIGPWR);
}

void Supervisor::reap() {
    // This may start processes, but adds no child.
    for (const auto& child : children_)
        child->reap();
    for (const auto& child : removed_)
        child->reap();
    unreaped_.reap();
}

void Supervisor::shut_down(int status) {
    if (finished_) return;
    if (std::exchange(stopping_, true)) {
        for (const auto* group : {&children_, &removed_})
            for (const auto& child : *group)
                child->kill();
        return;
    }
    status_ = status;
    log::write(msg::proxy_stopping, "shutting down, stopping {} children",
               std::ranges::count_if(children_, [](const auto& child) { return child->is_running(); }));
    if (on_stopping_) on_stopping_();
    links_.stop();
    for (const auto& child : children_)
        child->stop();
    check_finished();  // there may be no process
}

void Supervisor::on_message(Child& child, ipc::Message& message) {
    if (!messages_.dispatch(child, message))
        log::write(msg::debug, "{} from {}: unhandled message", ipc::to_string(message.type),
                   child.role().name);
}

void Supervisor::on_ready(Child& child) {
    if (on_child_ready_) on_child_ready_(child);
    watch_loop(child);
    links_.ready(child.role().party);
    if (reported_ready_ || !all_ready()) return;
    reported_ready_ = true;
    if (on_all_ready_) on_all_ready_();
}

void Supervisor::on_exit(Child& child) {
    if (on_child_exit_) on_child_exit_(child);
}

// What a child that may crash does says nothing about the others; the delays of its role are enough.
std::optional<Duration> Supervisor::on_crash(const Child& child) {
    if (gives_up_start(child)) return std::nullopt;
    if (child.role().may_crash) return Duration(0);
    loop_timer_.cancel();
    if (loop_.add(base::MonotonicClock::now()) && ends_with_loop()) return std::nullopt;
    return loop_.delay();
}

// The user who waits for the start is better off with the reason than with retries.
bool Supervisor::gives_up_start(const Child& child) {
    if (settings_.start_may_fail || reported_ready_ || stopping_) return false;
    const std::optional<ExitStatus>& last = child.status().last_exit;
    if (child.status().ready || (last && !last->is_own_fault())) return false;
    start_failure_ = child.failure();
    shut_down(1);
    return true;
}

// A crash loop begins. A proxy that has not even started keeps nothing alive.
bool Supervisor::ends_with_loop() {
    const bool starts = !settings_.start_may_fail && !reported_ready_;
    const bool ends = settings_.ends_in_crash_loop || starts;
    log::write(msg::crash_loop, "crash loop, {}: more than {} crashes within {}",
               ends ? "shutting down" : "restarts are delayed, sessions kept", settings_.max_restarts.count,
               base::format_duration(settings_.max_restarts.within));
    if (starts) start_failure_ = "crash loop";
    if (ends) shut_down(1);
    return ends;
}

void Supervisor::watch_loop(const Child& child) {
    if (!loop_.is_on() || child.role().may_crash) return;
    loop_timer_.expires_after(loop_.run_to_end());
    loop_timer_.async_wait([this](boost::system::error_code error) {
        if (error || stopping_) return;
        loop_.end();
        log::write(msg::crash_loop_over, "the crash loop is over: no crash within {}",
                   base::format_duration(settings_.max_restarts.within));
    });
}

void Supervisor::check_finished() {
    const auto is_running = [](const auto& child) { return child->is_running(); };
    const bool running =
        std::ranges::any_of(children_, is_running) || std::ranges::any_of(removed_, is_running);
    if (!stopping_) boost::asio::post(io_, [this] { forget_removed(); });  // one of them may be the caller
    if (!stopping_ && !running && on_paused_) {
        boost::asio::post(io_, [this, then = std::exchange(on_paused_, {})] {
            if (!stopping_) then();
        });
    }
    if (!stopping_ || running || std::exchange(finished_, true)) return;
    log::write(msg::proxy_stopped, "exit status {}", status_);
    loop_timer_.cancel();
    signals_.stop();
    boost::asio::post(io_, [&io = io_] { io.stop(); });
}

void Supervisor::forget_removed() {
    std::erase_if(removed_, [](const auto& child) { return !child->is_running(); });
}

}  // namespace process
