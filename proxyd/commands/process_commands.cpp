#include "proxyd/commands/process_commands.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <csignal>
#include <string_view>
#include <utility>

#include "base/log.hpp"
#include "base/signals.hpp"
#include "base/text.hpp"
#include "proxyd/commands/process_numbers.hpp"

namespace proxyd {

namespace log = base::log;
namespace msg = base::msg;
using control::Code;
using control::Failure;
using control::Row;

namespace {

constexpr const char* parent_role = "parent";
constexpr const char* everybody = "all";
constexpr int protocol = 1;
constexpr int lowest_level = static_cast<int>(base::LogLevel::error);
constexpr int highest_level = static_cast<int>(base::LogLevel::full);

base::Instant now() {
    return base::MonotonicClock::now();
}

std::string upper(std::string_view word) {
    std::string text(word);
    for (char& c : text)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return text;
}

void add_numbers(Row& row, pid_t pid) {
    if (const auto bytes = memory_of(pid)) row.add("memory_bytes", *bytes);
    if (const auto count = descriptors_of(pid)) row.add("descriptors", *count);
}

Row child_row(const process::Child& child, base::Instant at) {
    const process::ChildStatus& status = child.status();
    Row row;
    row.add("role", child.role().name).add("state", to_string(status.state));
    if (child.running()) row.add("pid", status.pid).add("uptime_ms", at - *status.started);
    row.add("restarts", status.restarts);
    if (status.last_exit)
        row.add("last_exit", to_string(*status.last_exit)).add("last_exit_ago_ms", at - *status.ended);
    if (!child.running()) return row;
    add_numbers(row, status.pid);
    return row.add("log_level", status.log_level);
}

/// The signals that proxyd handles, by name, as its man page lists them.
int signal_of(const std::string& word) {
    std::string name = upper(word);
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
    return {Code::gone, fmt::format("{} is {} just now and has no process", child.role().name,
                                    to_string(child.status().state))};
}

/// A child counts steps only; each one is a signal that is not lost.
void step_child(process::Child& child, int steps) {
    const int number = base::queued_signal(steps > 0 ? SIGUSR1 : SIGUSR2);
    for (int count = std::abs(steps); count > 0; --count)
        child.signal(number);
}

void step_to(process::Child& child, int level) {
    step_child(child, level - child.status().log_level);
}

/// `level` (3 to 9) or `steps` (up or down), one of them.
int wanted_level(const control::Request& request, int before) {
    const auto level = request.number("level", lowest_level, highest_level);
    const auto steps = request.number("steps", lowest_level - highest_level, highest_level - lowest_level);
    if (level.has_value() == steps.has_value())
        throw Failure(Code::usage, fmt::format("'log-level' needs one of 'level' ({} to {}) and 'steps'",
                                               lowest_level, highest_level));
    return level ? static_cast<int>(*level)
                 : std::clamp(before + static_cast<int>(*steps), lowest_level, highest_level);
}

}  // namespace

ProcessCommands::ProcessCommands(boost::asio::io_context& io, process::Supervisor& supervisor,
                                 ControlForward& forward, ProxyFacts facts)
    : io_(io), supervisor_(supervisor), forward_(forward), facts_(std::move(facts)), grace_(io) {}

void ProcessCommands::add_to(control::ControlServer& server) {
    const auto add = [&](const char* name, control::Access needed, auto method) {
        server.add(name, needed, [this, method](const Request& request, control::Answer answer) {
            (this->*method)(request, std::move(answer));
        });
    };
    add("version", control::Access::read, &ProcessCommands::version);
    add("ps", control::Access::read, &ProcessCommands::ps);
    add("status", control::Access::read, &ProcessCommands::status);
    add("config", control::Access::read, &ProcessCommands::config);
    add("info", control::Access::read, &ProcessCommands::info);
    add("signal", control::Access::change, &ProcessCommands::signal);
    add("kill-role", control::Access::change, &ProcessCommands::kill_role);
    add("log-level", control::Access::change, &ProcessCommands::log_level);
    add("log-reopen", control::Access::change, &ProcessCommands::log_reopen);
    add("stop", control::Access::change, &ProcessCommands::stop);
}

ProcessCommands::Targets ProcessCommands::targets(const Request& request, const char* fallback) const {
    const std::string word = request.text("role").value_or(fallback);
    if (word == parent_role) return {true, {}};
    Targets found;
    std::vector<std::string> known{parent_role, everybody};
    for (const auto& child : supervisor_.children()) {
        if (word == everybody || upper(word) == upper(child->role().name))
            found.children.push_back(child.get());
        known.push_back(child->role().name);
    }
    if (word != everybody && found.children.empty())
        throw Failure(Code::unknown, control::not_among("role", word, known));
    return found;
}

void ProcessCommands::version(const Request& request, control::Answer answer) const {
    request.allow({});
    Row row;
    row.add("name", facts_.name)
        .add("version", facts_.version)
        .add("pid", ::getpid())
        .add("protocol", protocol);
    row.add("config", facts_.config_file);
    if (supervisor_.started()) row.add("uptime_ms", now() - *supervisor_.started());
    if (facts_.upgrades) {
        const ProxyFacts::Upgrades upgrades = facts_.upgrades();
        row.add("upgrades", upgrades.count);
        if (!upgrades.failure.empty()) row.add("upgrade_failure", upgrades.failure);
    }
    answer.row(row);
    answer.end();
}

Row ProcessCommands::parent_row() const {
    Row row;
    row.add("role", parent_role)
        .add("state", supervisor_.stopping() ? "stopping" : "up")
        .add("pid", ::getpid());
    if (supervisor_.started()) row.add("uptime_ms", now() - *supervisor_.started());
    row.add("restarts", 0);
    add_numbers(row, ::getpid());
    return row.add("log_level", static_cast<int>(log::level()));
}

void ProcessCommands::ps(const Request& request, control::Answer answer) const {
    request.allow({});
    answer.row(parent_row());
    for (const auto& child : supervisor_.children())
        answer.row(child_row(*child, now()));
    answer.end();
}

/// `REG down, ACR starting`: what is not as it should be.
std::string ProcessCommands::faults() const {
    std::string text;
    for (const auto& child : supervisor_.children()) {
        if (child->status().state == process::ChildState::up) continue;
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", child->role().name,
                            to_string(child->status().state));
    }
    return text;
}

void ProcessCommands::status(const Request& request, control::Answer answer) const {
    request.allow({});
    const std::string why = faults();
    const bool stopping = supervisor_.stopping() || draining_;
    Row row;
    row.add("name", facts_.name)
        .add("state", stopping                   ? "stopping"
                      : !supervisor_.was_ready() ? "starting"
                      : why.empty()              ? "serving"
                                                 : "degraded")
        .add("why", draining_ && !supervisor_.stopping() ? "no new sessions, old ones may end" : why)
        .add("listeners", facts_.listeners ? facts_.listeners() : std::vector<std::string>{});
    answer.row(row);
    answer.end();
}

void ProcessCommands::config(const Request& request, control::Answer answer) const {
    request.allow({});
    write_config(std::move(answer),
                 std::make_shared<std::string>(facts_.config_text ? facts_.config_text() : ""), 0);
}

// The text may be longer than what may wait for a client, so it goes out as the client takes it.
void ProcessCommands::write_config(control::Answer answer, const std::shared_ptr<const std::string>& text,
                                   std::size_t at) {
    while (at < text->size() && answer.writable()) {
        const std::size_t end = std::min(text->find('\n', at), text->size());
        answer.row(Row().add("text", text->substr(at, end - at)));
        at = end + 1;
    }
    if (at >= text->size()) return answer.end();
    answer.on_writable([answer, text, at] { write_config(answer, text, at); });
}

// The parent's own signals take the way of all signals, so that they mean what they always mean.
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
        else if (meant.children.size() == 1)
            throw no_process(*child);
    }
    answer.end();
}

void ProcessCommands::kill_role(const Request& request, control::Answer answer) {
    request.allow({"role"});
    (void)request.needed_text("role");
    const Targets meant = targets(request, "");
    if (meant.parent || meant.children.size() != 1)
        throw Failure(Code::usage, "'kill-role' kills one child; 'stop' ends the proxy");
    process::Child& child = *meant.children.front();
    const pid_t pid = child.status().pid;
    if (!child.signal(SIGKILL)) throw no_process(child);
    answer.row(Row().add("role", child.role().name).add("pid", pid));
    answer.end();
}

void ProcessCommands::log_level(const Request& request, control::Answer answer) {
    request.allow({"role", "level", "steps"});
    Targets meant = targets(request, everybody);
    meant.parent |= !request.has("role");
    const auto row = [&](const std::string& role, int level) {
        answer.row(Row().add("role", role).add("log_level", level));
    };
    if (meant.children.size() == 1 && !meant.parent && !meant.children.front()->running())
        throw no_process(*meant.children.front());
    if (meant.parent) {
        log::set_level(static_cast<base::LogLevel>(wanted_level(request, static_cast<int>(log::level()))));
        row(parent_role, static_cast<int>(log::level()));
    }
    for (process::Child* const child : meant.children) {
        if (!child->running()) continue;
        step_to(*child, wanted_level(request, child->status().log_level));
        row(child->role().name, child->status().log_level);
    }
    answer.end();
}

void ProcessCommands::log_reopen(const Request& request, control::Answer answer) {
    request.allow({});
    supervisor_.reopen_log(to_string(answer.peer()));
    answer.row(Row().add("reopened", true));
    answer.end();
}

void ProcessCommands::info(const Request& request, control::Answer answer) {
    request.allow({"role"});
    Targets meant = targets(request, everybody);
    if (meant.parent || !request.has("role"))
        for (const std::string& line : supervisor_.info_lines(now()))
            answer.row(Row().add("role", parent_role).add("line", line));
    // A child that is down has nothing to say; asked for by name that is an error.
    if (meant.children.size() != 1 || !request.has("role"))
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
    forward_.ask(party, request, answer,
                 [this, rest = std::move(children), request, answer] { info_of(rest, request, answer); });
}

void ProcessCommands::stop(const Request& request, control::Answer answer) {
    request.allow({"graceful_ms"});
    const auto limit = request.duration("graceful_ms");
    const bool graceful = limit && limit->count() > 0 && !draining_ && !supervisor_.stopping();
    if (graceful && !facts_.drain)
        throw Failure(Code::refused, "this proxy cannot end gracefully; use 'stop' without graceful_ms");
    answer.row(Row().add("stopping", true));
    answer.end();
    // Behind the answer in the loop: it is on its way before anything ends.
    boost::asio::post(io_,
                      [this, graceful, limit] { graceful ? stop_gracefully(*limit) : supervisor_.stop(); });
}

void ProcessCommands::stop_gracefully(base::Duration limit) {
    draining_ = true;
    log::write(msg::signal_received, "the proxy ends gracefully, within {}", base::format_duration(limit));
    facts_.drain(limit);
    grace_.expires_after(limit);
    grace_.async_wait([this](boost::system::error_code error) {
        if (!error && !supervisor_.stopping()) supervisor_.stop();
    });
}

}  // namespace proxyd
