#include "proxyd/commands/control.hpp"

#include <unistd.h>

#include <utility>

#include "base/fatal.hpp"
#include "base/log.hpp"
#include "proxyd/lookup_service.hpp"
#include "proxyd/parent.hpp"
#include "proxyd/settings.hpp"

namespace proxyd {

using control::Access;
using control::Answer;
using control::Code;
using control::Request;

namespace {

std::string log_file(const conf::Config& config) {
    return config.log.target == base::LogTarget::file ? config.log.path : "";
}

}  // namespace

Control::Control(Parent& parent, Upgrade& upgrade, const Handover::File& inherited)
    : parent_(parent),
      queries_(parent.io(), parent.supervisor()),
      process_commands_(parent.supervisor(), queries_),
      proxy_commands_(parent, upgrade),
      log_tail_(parent.io(), log_file(parent.config()),
                base::log::is_on_standard_error() ? "stderr" : "syslog") {
    process_commands_.show(parent.log());
    open(inherited);
    if (!server_) return;
    process_commands_.add_to(*server_);
    proxy_commands_.add_to(*server_);
    log_tail_.add_to(*server_);
    add_queries();
    server_->start();
}

void Control::open(const Handover::File& inherited) {
    control::ControlSocket::Made made{base::UniqueFd(inherited.descriptor), inherited.device,
                                      inherited.inode};
    const conf::Config& config = parent_.config();
    const auto settings = control_settings(config);
    if (!settings) return;
    try {
        server_.emplace(parent_.io(), *settings, std::move(made));
    } catch (const base::Fatal& error) {
        if (!config.control.socket.empty()) throw;
        base::log::write(base::msg::control_unavailable, "{}", error.what());
    }
}

/// The commands that children answer.
void Control::add_queries() {
    for (const char* name :
         {"sessions", "session", "rules", "explain", "last-refusals", "stats", "events", "unreachable"})
        server_->add(name, Access::read, queries_.to(ipc::Party::reg));
    server_->add("kill-sessions", Access::change, queries_.to(ipc::Party::reg));
    // ACR and APR come and go with reloads.
    server_->add("names", Access::read, [this](const Request& request, Answer answer) {
        if (!parent_.supervisor().find(ipc::Party::acr)) return answer.end();
        queries_.ask(ipc::Party::acr, request, std::move(answer));
    });
    server_->add("refresh", Access::change, [this](const Request& request, Answer answer) {
        parent_.follow_resolv_conf();
        if (!parent_.supervisor().find(ipc::Party::acr))
            return answer.fail(Code::refused, "the configuration has no names");
        queries_.ask(ipc::Party::acr, request, std::move(answer));
    });
    server_->add("name-servers", Access::read, [this](const Request& request, Answer answer) {
        const bool of_apr = request.text("role") == "APR";
        const ipc::Party party = of_apr ? ipc::Party::apr : ipc::Party::acr;
        if (!parent_.supervisor().find(party)) return answer.end();
        queries_.ask(party, request, std::move(answer));
    });
    server_->add("resolve", Access::read, [this](const Request& request, Answer answer) {
        const ipc::Party party = needs_lookups(parent_.config()) ? ipc::Party::apr : ipc::Party::acr;
        if (!parent_.supervisor().find(party))
            return answer.fail(Code::refused, "no process resolves names: the configuration has none");
        queries_.ask(party, request, std::move(answer));
    });
}

}  // namespace proxyd
