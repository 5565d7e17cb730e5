#include "proxyd/commands/proxy_commands.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "base/text.hpp"
#include "conf/load.hpp"
#include "proxyd/parent.hpp"

namespace proxyd {

using control::Access;
using control::Answer;
using control::Code;
using control::Failure;
using control::Row;

namespace {

constexpr int protocol = 1;
/// An upgrade and the answer to a reload wait this long for children that start, and look this often.
constexpr base::Duration settle_timeout{5'000}, settle_check_interval{20};

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        lines.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

/// The verdict on a configuration, and the reason with a line for each error.
RowList rejected(const std::string& why) {
    RowList list;
    std::vector<std::string> errors;
    for (const std::string_view line : lines_of(why))
        errors.emplace_back(line);
    list.rows.push_back(Row().add("result", "rejected").add("errors", errors));
    list.failure = Failure(Code::refused, why);
    return list;
}

/// Its warnings and changes, and the verdict.
RowList accepted(const std::vector<std::string>& lines, bool check_only) {
    constexpr std::string_view warning = "warning: ";
    RowList list;
    std::size_t warnings = 0;
    for (const std::string& line : lines) {
        const bool warns = line.starts_with(warning);
        warnings += warns ? 1 : 0;
        list.rows.push_back(Row().add("kind", warns ? "warning" : "change").add("text", line));
    }
    const std::size_t changes = lines.size() - warnings;
    list.rows.push_back(Row()
                            .add("result", changes == 0 ? "unchanged"
                                           : check_only ? "valid"
                                                        : "reloaded")
                            .add("warnings", warnings)
                            .add("changes", changes));
    return list;
}

}  // namespace

void write_rows(Answer answer, const std::shared_ptr<const RowList>& list, std::size_t at) {
    while (at < list->rows.size() && answer.row(list->rows[at]))
        ++at;
    if (at < list->rows.size())
        return answer.on_writable([answer, list, at] { write_rows(answer, list, at); });
    list->failure ? answer.fail(list->failure->code(), list->failure->what()) : answer.end();
}

void write_lines(Answer answer, const std::string& text) {
    auto list = std::make_shared<RowList>();
    for (const std::string_view line : lines_of(text))
        list->rows.push_back(Row().add("text", line));
    write_rows(std::move(answer), list);
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
    if (const std::string fault = parent_.log() ? parent_.log()->status().fault : ""; !fault.empty())
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", process::log_role, fault);
    if (!parent_.supervisor().is_degraded()) return text;
    return text + (text.empty() ? "" : ", ") + "crash loop: restarts of REG are delayed";
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
        .add("sandbox", parent_.confinement().level())
        .add("sandbox_complete", parent_.confinement().is_complete())
        .add("server_side", parent_.kept().server_side())
        .add("listeners", parent_.kept().listener_texts())
        .add("ceilings", parent_.kept().ceiling_texts(parent_.config()));
    answer.row(row);
    answer.end();
}

void ProxyCommands::config(const Request& request, Answer answer) const {
    request.allow({});
    write_lines(std::move(answer), conf::print(parent_.config()));
}

void ProxyCommands::reload(const Request& request, Answer answer) {
    request.allow({"check"});
    const bool check_only = request.flag("check").value_or(false);
    const Parent::ReloadResult result = parent_.reload(check_only, control::to_string(answer.peer()));
    auto list = std::make_shared<RowList>(result.refused.empty() ? accepted(result.lines, check_only)
                                                                 : rejected(result.refused));
    if (check_only || list->failure) return write_rows(std::move(answer), list);
    answer_when_adopted(std::move(answer), std::move(list), base::MonotonicClock::now() + settle_timeout);
}

/// The new configuration is in use when its REG serves; until then the user would see the old sessions.
void ProxyCommands::answer_when_adopted(Answer answer, std::shared_ptr<RowList> list,
                                        base::Instant deadline) {
    if (parent_.is_adopting() && base::MonotonicClock::now() < deadline)
        return look_again([this, answer, list, deadline] { answer_when_adopted(answer, list, deadline); });
    if (parent_.is_adopting())
        list->failure = Failure(Code::gone, fmt::format("reloaded, but REG has not become ready within {}; "
                                                        "see `ps` and `log tail`",
                                                        base::format_duration(settle_timeout)));
    write_rows(std::move(answer), list);
}

void ProxyCommands::look_again(std::function<void()> look) {
    auto timer = std::make_shared<boost::asio::steady_timer>(parent_.io(), settle_check_interval);
    timer->async_wait([timer, look = std::move(look)](boost::system::error_code error) {
        if (!error) look();
    });
}

void ProxyCommands::upgrade(Answer answer, const control::ControlSocket& socket, base::Instant deadline) {
    if (upgrade_.must_wait() && base::MonotonicClock::now() < deadline)
        return look_again([this, answer, &socket, deadline] { upgrade(answer, socket, deadline); });
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
