#include "proxyd/commands/process_commands.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <string_view>
#include <utility>

#include "base/log.hpp"
#include "base/signals.hpp"
#include "base/text.hpp"
#include "proxyd/commands/process_numbers.hpp"

namespace proxyd {

namespace log = base::log;
using control::Code;
using control::Failure;
using control::Row;

namespace {

constexpr const char* parent_role = "parent";
constexpr const char* all_roles = "all";
constexpr int min_level = static_cast<int>(base::LogLevel::error);
constexpr int max_level = static_cast<int>(base::LogLevel::full);

void add_numbers(Row& row, pid_t pid) {
    if (const auto bytes = memory_of(pid)) row.add("memory_bytes", *bytes);
    if (const auto count = descriptors_of(pid)) row.add("descriptors", *count);
}

Row child_row(const process::Child& child, base::Instant at) {
    const process::ChildStatus& status = child.status();
    Row row;
    row.add("role", child.role().name).add("state", to_string(status.state));
    if (child.is_running()) row.add("pid", status.pid).add("uptime_ms", at - *status.started);
    row.add("restarts", status.restarts).add("forbidden_calls", status.forbidden_calls);
    if (status.last_exit)
        row.add("last_exit", to_string(*status.last_exit)).add("last_exit_ago_ms", at - *status.ended);
    if (!child.is_running()) return row;
    add_numbers(row, status.pid);
    return row.add("log_level", status.log_level);
}

Row log_row(const process::LogProcess::Status& status, base::Instant at) {
    const bool up = status.pid > 0;
    Row row;
    row.add("role", process::log_role).add("state", !up ? "down" : status.fault.empty() ? "up" : "failing");
    if (up && status.started) row.add("pid", status.pid).add("uptime_ms", at - *status.started);
    row.add("restarts", status.restarts).add("forbidden_calls", status.forbidden_calls);
    if (status.last_exit)
        row.add("last_exit", to_string(*status.last_exit)).add("last_exit_ago_ms", at - *status.ended);
    if (up) add_numbers(row, status.pid);
    if (status.lines_lost_at) row.add("lines_lost_ago_ms", at - *status.lines_lost_at);
    if (!status.fault.empty()) row.add("fault", status.fault);
    return row.add("lines_lost", status.lines_lost);
}

/// The signals that proxyd handles, by name, as its man page lists them.
int signal_of(const std::string& word) {
    std::string name = base::upper(word);
    if (name.starts_with("SIG")) name.erase(0, 3);
    if (name == "PWR") name = "INFO";
    std::vector<std::string> known;
    for (const base::HandledSignal& signal : base::handled_signals()) {
        if (signal.action == base::SignalAction::child || signal.action == base::SignalAction::ignore)
            continue;
        if (signal.name == name) return signal.number;
        const std::string candidate(signal.name);
        if (std::ranges::find(known, candidate) == known.end()) known.push_back(candidate);
    }
    throw Failure(Code::usage, control::not_among("signal", word, known));
}

Failure no_process(const process::Child& child) {
    return {Code::gone,
            fmt::format("{} is {} and has no process", child.role().name, to_string(child.status().state))};
}

/// Roles that this configuration does not need, or that take no orders, and unknown ones.
Failure no_role(const std::string& word, const std::vector<std::string>& known) {
    const std::string role = base::upper(word);
    if (role == "ACR") return {Code::refused, "this proxy has no ACR: its configuration has no names"};
    if (role == "APR") return {Code::refused, "this proxy has no APR: it looks up no names of clients"};
    if (role == process::log_role)
        return {Code::usage,
                "LOG takes no signals and has no log level or report; `log reopen` starts it again"};
    return {Code::unknown, control::not_among("role", word, known)};
}

/// A child only counts steps; each step is one queued signal.
void step_child(process::Child& child, int steps) {
    const int number = base::queued_signal(steps > 0 ? SIGUSR1 : SIGUSR2);
    for (int count = std::abs(steps); count > 0; --count)
        child.signal(number);
}

void step_to(process::Child& child, int level) {
    step_child(child, level - child.status().log_level);
}

/// Either `level` (3 to 9) or `steps` (up or down).
int wanted_level(const control::Request& request, int before) {
    const auto level = request.number("level", min_level, max_level);
    const auto steps = request.number("steps", min_level - max_level, max_level - min_level);
    if (level.has_value() == steps.has_value())
        throw Failure(Code::usage, fmt::format("'log-level' needs one of 'level' ({} to {}) and 'steps'",
                                               min_level, max_level));
    return level ? static_cast<int>(*level)
                 : std::clamp(before + static_cast<int>(*steps), min_level, max_level);
}

}  // namespace

void ProcessCommands::add_to(control::ControlServer& server) {
    const auto add = [&](const char* name, control::Access needed, auto method) {
        server.add(name, needed, [this, method](const Request& request, control::Answer answer) {
            (this->*method)(request, std::move(answer));
        });
    };
    add("ps", control::Access::read, &ProcessCommands::ps);
    add("info", control::Access::read, &ProcessCommands::info);
    add("signal", control::Access::change, &ProcessCommands::signal);
    add("kill-role", control::Access::change, &ProcessCommands::kill_role);
    add("log-level", control::Access::change, &ProcessCommands::log_level);
    add("log-reopen", control::Access::change, &ProcessCommands::log_reopen);
}

ProcessCommands::Targets ProcessCommands::targets(const Request& request, const char* fallback) const {
    const std::string word = request.text("role").value_or(fallback);
    if (base::lower(word) == parent_role) return {true, false, {}};
    Targets found{false, base::lower(word) == all_roles, {}};
    std::vector<std::string> known{parent_role, all_roles};
    for (const auto& child : supervisor_.children()) {
        if (found.all || base::upper(word) == base::upper(child->role().name))
            found.children.push_back(child.get());
        known.push_back(child->role().name);
    }
    if (!found.all && found.children.empty()) throw no_role(word, known);
    return found;
}

Row ProcessCommands::parent_row() const {
    Row row;
    row.add("role", parent_role)
        .add("state", supervisor_.is_stopping()   ? "stopping"
                      : supervisor_.is_degraded() ? "degraded"
                                                  : "up")
        .add("pid", ::getpid());
    if (supervisor_.started()) row.add("uptime_ms", base::MonotonicClock::now() - *supervisor_.started());
    row.add("restarts", 0);
    add_numbers(row, ::getpid());
    return row.add("log_level", static_cast<int>(log::level()));
}

void ProcessCommands::ps(const Request& request, control::Answer answer) const {
    request.allow({});
    answer.row(parent_row());
    for (const auto& child : supervisor_.children())
        answer.row(child_row(*child, base::MonotonicClock::now()));
    if (log_) answer.row(log_row(log_->status(), base::MonotonicClock::now()));
    answer.end();
}

// The parent raises its own signals, so that they are handled like any other.
void ProcessCommands::signal(const Request& request, control::Answer answer) {
    request.allow({"signal", "role"});
    const std::string word = request.needed_text("signal");
    const int number = signal_of(word);
    const Targets meant = targets(request, parent_role);
    if (meant.parent && ::raise(number) == 0)
        answer.row(
            Row().add("role", parent_role).add("pid", ::getpid()).add("signal", base::signal_name(number)));
    for (process::Child* const child : meant.children) {
        const pid_t pid = child->status().pid;
        if (child->signal(base::queued_signal(number)))
            answer.row(Row()
                           .add("role", child->role().name)
                           .add("pid", pid)
                           .add("signal", base::signal_name(number)));
        else if (!meant.all)
            throw no_process(*child);
    }
    answer.end();
}

void ProcessCommands::kill_role(const Request& request, control::Answer answer) {
    request.allow({"role"});
    (void)request.needed_text("role");
    const Targets meant = targets(request, "");
    if (meant.parent || meant.all)
        throw Failure(Code::usage, "'kill' is for one child, for example REG; to stop proxyd use 'stop'");
    process::Child& child = *meant.children.front();
    const pid_t pid = child.status().pid;
    if (!child.signal(SIGKILL)) throw no_process(child);
    answer.row(Row().add("role", child.role().name).add("pid", pid));
    answer.end();
}

void ProcessCommands::log_level(const Request& request, control::Answer answer) {
    request.allow({"role", "level", "steps"});
    Targets meant = targets(request, all_roles);
    meant.parent |= meant.all;
    const auto row = [&](const std::string& role, int level) {
        answer.row(Row().add("role", role).add("log_level", level));
    };
    if (!meant.all && !meant.parent && !meant.children.front()->is_running())
        throw no_process(*meant.children.front());
    if (meant.parent) {
        log::set_level(static_cast<base::LogLevel>(wanted_level(request, static_cast<int>(log::level()))));
        row(parent_role, static_cast<int>(log::level()));
    }
    for (process::Child* const child : meant.children) {
        if (!child->is_running()) continue;
        step_to(*child, wanted_level(request, child->status().log_level));
        row(child->role().name, child->status().log_level);
    }
    answer.end();
}

void ProcessCommands::log_reopen(const Request& request, control::Answer answer) {
    request.allow({});
    supervisor_.reopen_log(to_string(answer.peer()), [answer](const std::string& failure) mutable {
        if (!failure.empty()) return answer.fail(Code::failed, failure);
        answer.row(Row().add("reopened", true));
        answer.end();
    });
}

void ProcessCommands::info(const Request& request, control::Answer answer) {
    request.allow({"role"});
    Targets meant = targets(request, all_roles);
    if (meant.parent || meant.all)
        for (const std::string& line : supervisor_.info_lines(base::MonotonicClock::now()))
            answer.row(Row().add("role", parent_role).add("line", line));
    // A child that is not up is left out, unless the request names it: then it is an error.
    if (meant.all)
        std::erase_if(meant.children, [](const process::Child* child) {
            return child->status().state != process::ChildState::up;
        });
    info_of(std::move(meant.children), request, std::move(answer));
}

void ProcessCommands::info_of(std::vector<process::Child*> children, const Request& request,
                              control::Answer answer) {
    if (children.empty()) return answer.end();
    const ipc::Party party = children.front()->role().party;
    children.erase(children.begin());
    queries_.ask(party, request, answer,
                 [this, rest = std::move(children), request, answer] { info_of(rest, request, answer); });
}

}  // namespace proxyd
