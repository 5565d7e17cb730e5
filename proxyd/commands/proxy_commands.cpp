#include "proxyd/commands/proxy_commands.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "conf/load.hpp"
#include "proxyd/parent.hpp"

namespace proxyd {

using control::Access;
using control::Answer;
using control::Code;
using control::Row;

namespace {

constexpr int protocol = 1;
/// An upgrade waits this long for children that start, and looks this often.
constexpr base::Duration settle_timeout{5'000}, settle_check_interval{20};

}  // namespace

// The text may be longer than the buffer of a client.
void write_lines(Answer answer, const std::shared_ptr<const std::string>& text, std::size_t at) {
    while (at < text->size() && answer.writable()) {
        const std::size_t end = std::min(text->find('\n', at), text->size());
        answer.row(Row().add("text", text->substr(at, end - at)));
        at = end + 1;
    }
    if (at >= text->size()) return answer.end();
    answer.on_writable([answer, text, at] { write_lines(answer, text, at); });
}

void ProxyCommands::add_to(control::ControlServer& server) {
    const auto add = [&](const char* name, Access needed, auto method) {
        server.add(name, needed, [this, method](const Request& request, Answer answer) {
            (this->*method)(request, std::move(answer));
        });
    };
    add("version", Access::read, &ProxyCommands::version);
    add("status", Access::read, &ProxyCommands::status);
    add("config", Access::read, &ProxyCommands::config);
    add("reload", Access::change, &ProxyCommands::reload);
    add("stop", Access::change, &ProxyCommands::stop);
    server.add("upgrade", Access::change, [this, &server](const Request& request, Answer answer) {
        request.allow({});
        upgrade(std::move(answer), server.socket(), base::MonotonicClock::now() + settle_timeout);
    });
}

void ProxyCommands::version(const Request& request, Answer answer) const {
    request.allow({});
    const conf::Config& config = parent_.config();
    Row row;
    row.add("name", config.name)
        .add("version", "proxyd " PROXYD_VERSION)
        .add("pid", ::getpid())
        .add("protocol", protocol)
        .add("config", config.file);
    if (const auto started = parent_.supervisor().started())
        row.add("uptime_ms", base::MonotonicClock::now() - *started);
    row.add("upgrades", upgrade_.count());
    if (!upgrade_.failure().empty()) row.add("upgrade_failure", upgrade_.failure());
    answer.row(row);
    answer.end();
}

/// `REG down, ACR starting`: the children that are not up.
std::string ProxyCommands::faults() const {
    std::string text;
    for (const auto& child : parent_.supervisor().children()) {
        if (child->status().state == process::ChildState::up) continue;
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", child->role().name,
                            to_string(child->status().state));
    }
    return text;
}

void ProxyCommands::status(const Request& request, Answer answer) const {
    request.allow({});
    const process::Supervisor& supervisor = parent_.supervisor();
    const std::string why = faults();
    const bool draining = parent_.is_draining();
    Row row;
    row.add("name", parent_.config().name)
        .add("state", supervisor.is_stopping() || draining ? "stopping"
                      : !supervisor.was_ready()            ? "starting"
                      : why.empty()                        ? "serving"
                                                           : "degraded")
        .add("why", draining && !supervisor.is_stopping() ? "no new sessions, existing ones may finish" : why)
        .add("listeners", parent_.kept().listener_texts());
    answer.row(row);
    answer.end();
}

void ProxyCommands::config(const Request& request, Answer answer) const {
    request.allow({});
    write_lines(std::move(answer), std::make_shared<std::string>(conf::print(parent_.config())));
}

void ProxyCommands::reload(const Request& request, Answer answer) {
    request.allow({"check"});
    const bool check_only = request.flag("check").value_or(false);
    const Parent::ReloadResult result = parent_.reload(check_only, control::to_string(answer.peer()));
    if (!result.refused.empty()) return answer.fail(Code::refused, result.refused);
    for (const std::string& line : result.lines)
        if (!answer.row(Row().add("text", line))) break;
    answer.end();
}

void ProxyCommands::upgrade(Answer answer, const control::ControlSocket& socket, base::Instant deadline) {
    if (upgrade_.must_wait() && base::MonotonicClock::now() < deadline) {
        auto timer = std::make_shared<boost::asio::steady_timer>(parent_.io(), settle_check_interval);
        return timer->async_wait([this, timer, answer, &socket, deadline](boost::system::error_code error) {
            if (!error) upgrade(answer, socket, deadline);
        });
    }
    const Upgrade::Plan plan = upgrade_.plan();
    if (!plan.refused.empty()) return answer.fail(Code::refused, plan.refused);
    answer.row(Row()
                   .add("version", "proxyd " + plan.version)
                   .add("sessions", plan.keeps_sessions ? "kept" : "ended"));
    answer.end();
    // Posted, so that the answer is sent before this program is gone.
    boost::asio::post(parent_.io(), [this, plan, &socket] {
        upgrade_.begin(plan, {socket.descriptor(), socket.file().st_dev, socket.file().st_ino});
    });
}

void ProxyCommands::stop(const Request& request, Answer answer) {
    request.allow({"graceful_ms"});
    const auto limit = request.duration("graceful_ms");
    const bool graceful =
        limit && limit->count() > 0 && !parent_.is_draining() && !parent_.supervisor().is_stopping();
    answer.row(Row().add("stopping", true));
    answer.end();
    // Posted, so that the answer is sent before anything stops.
    boost::asio::post(parent_.io(), [this, graceful, limit] {
        graceful ? parent_.drain(*limit) : parent_.supervisor().stop();
    });
}

}  // namespace proxyd
