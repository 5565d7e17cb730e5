#include "proxyd/control.hpp"

#include <unistd.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "base/fatal.hpp"
#include "base/log.hpp"
#include "conf/load.hpp"
#include "proxyd/control_settings.hpp"
#include "proxyd/lookup_service.hpp"

namespace proxyd {

using control::Access;

namespace {

/// How long an upgrade waits for processes that are being replaced, and how often it looks.
constexpr base::Duration upgrade_patience{5'000}, upgrade_pause{20};

std::string log_file(const conf::Config& config) {
    return config.log.target == base::LogTarget::file ? config.log.path : "";
}

}  // namespace

Control::Control(boost::asio::io_context& io, const Parts& parts, control::ControlSocket::Made made)
    : io_(io),
      supervisor_(parts.supervisor),
      resources_(parts.resources),
      reloader_(parts.reloader),
      upgrade_(parts.upgrade),
      pid_file_(parts.pid_file),
      forward_(io, supervisor_),
      commands_(io, supervisor_, forward_, facts()),
      log_tail_(io, log_file(reloader_.config()),
                base::log::descriptor() == STDERR_FILENO ? "stderr" : "syslog") {
    open(reloader_.config(), std::move(made));
    if (server_) add_commands();
    supervisor_.on(ipc::MessageType::drained, [this](process::Child&, ipc::Message&) {
        if (resources_.draining) supervisor_.stop();
    });
}

ProxyFacts Control::facts() {
    const conf::Config& config = reloader_.config();
    ProxyFacts facts{.name = config.name,
                     .version = "proxyd " PROXYD_VERSION,
                     .config_file = config.file,
                     .config_text = [this] { return conf::print(reloader_.config()); }};
    facts.listeners = [this] { return resources_.listener_texts(); };
    facts.drain = [this](base::Duration) { drain(); };
    facts.upgrades = [this] { return ProxyFacts::Upgrades{upgrade_.count(), upgrade_.failure()}; };
    return facts;
}

void Control::open(const conf::Config& config, control::ControlSocket::Made made) {
    const auto settings = control_settings(config);
    if (!settings) return;
    try {
        server_.emplace(io_, *settings, std::move(made));
    } catch (const base::Fatal& error) {
        if (!config.control.socket.empty()) throw;
        base::log::write(base::msg::control_unavailable, "{}", error.what());
    }
}

void Control::add_commands() {
    commands_.add_to(*server_);
    log_tail_.add_to(*server_);
    const auto forward = [this](const char* name, Access needed, ipc::Party party) {
        server_->add(name, needed, forward_.to(party));
    };
    for (const char* name : {"sessions", "session", "rules", "explain", "last-refusals", "stats", "events"})
        forward(name, Access::read, ipc::Party::reg);
    forward("kill-sessions", Access::change, ipc::Party::reg);
    server_->add("names", Access::read, [this](const control::Request& request, control::Answer answer) {
        names(request, std::move(answer));
    });
    server_->add("refresh", Access::change, [this](const control::Request& request, control::Answer answer) {
        if (!supervisor_.find(ipc::Party::acr))
            return answer.fail(control::Code::refused, "there are no names in the configuration");
        forward_.ask(ipc::Party::acr, request, std::move(answer));
    });
    server_->add("resolve", Access::read, [this](const control::Request& request, control::Answer answer) {
        resolve(request, std::move(answer));
    });
    server_->add("reload", Access::change, [this](const control::Request& request, control::Answer answer) {
        reload(request, std::move(answer));
    });
    server_->add("upgrade", Access::change, [this](const control::Request& request, control::Answer answer) {
        request.allow({});
        upgrade(std::move(answer), base::MonotonicClock::now() + upgrade_patience);
    });
}

/// A configuration without names has nobody who knows any.
void Control::names(const control::Request& request, control::Answer answer) {
    if (!supervisor_.find(ipc::Party::acr)) return answer.end();
    forward_.ask(ipc::Party::acr, request, std::move(answer));
}

/// Which process looks names up may change with a reload.
void Control::resolve(const control::Request& request, control::Answer answer) {
    const ipc::Party party = needs_lookups(reloader_.config()) ? ipc::Party::apr : ipc::Party::acr;
    if (!supervisor_.find(party))
        return answer.fail(control::Code::refused,
                           "this proxy looks nothing up: there are no names in its configuration");
    forward_.ask(party, request, answer, [answer]() mutable { answer.end(); });
}

void Control::reload(const control::Request& request, control::Answer answer) {
    request.allow({"check"});
    const bool check_only = request.flag("check").value_or(false);
    const Reloader::Result result = reloader_.reload(check_only, control::to_string(answer.peer()));
    if (!result.refused.empty()) return answer.fail(control::Code::refused, result.refused);
    for (const std::string& line : result.lines)
        if (!answer.row(control::Row().add("text", line))) break;
    answer.end();
}

/// Right after a reload, for example, it has to wait a little.
void Control::upgrade(control::Answer answer, base::Instant deadline) {
    if (upgrade_.must_wait() && base::MonotonicClock::now() < deadline) {
        auto timer = std::make_shared<boost::asio::steady_timer>(io_, upgrade_pause);
        return timer->async_wait([this, timer, answer, deadline](boost::system::error_code error) {
            if (!error) upgrade(answer, deadline);
        });
    }
    const Upgrade::Plan plan = upgrade_.plan();
    if (!plan.refused.empty()) return answer.fail(control::Code::refused, plan.refused);
    answer.row(control::Row()
                   .add("version", "proxyd " + plan.version)
                   .add("sessions", plan.keeps_sessions ? "kept" : "ended"));
    answer.end();
    // Behind the answer in the loop: it is on its way before this program is gone.
    boost::asio::post(io_, [this, plan] {
        const control::ControlSocket& socket = server_->socket();
        upgrade_.begin(plan, {.pid_file = {.descriptor = pid_file_},
                              .control = {socket.descriptor(), socket.file().st_dev, socket.file().st_ino}});
    });
}

void Control::drain() {
    resources_.draining = true;  // a REG that is started from now on begins with it
    if (process::Child* reg = supervisor_.find(ipc::Party::reg)) reg->send(ipc::Drain{});
}

void Control::start() {
    if (server_) server_->start();
}

}  // namespace proxyd
