#include "proxyd/roles.hpp"

#include <sys/resource.h>

#include <algorithm>

#include "conf/load.hpp"
#include "conf/names.hpp"
#include "libudpserver/ipc/messages.hpp"
#include "proxyd/apr_main.hpp"
#include "proxyd/lookup_service.hpp"

namespace proxyd {

namespace {

/// Where processors are scarce, who forwards goes before who looks names up.
constexpr int niceness_of_look_ups = 5;

/// What ACR and APR are made of, but for the names.
bool same_for_resolving(const conf::Config& a, const conf::Config& b) {
    conf::Config one, other;
    one.resolver = a.resolver;
    other.resolver = b.resolver;
    return a.log.level == b.log.level && conf::fingerprint(one) == conf::fingerprint(other);
}

}  // namespace

process::Settings settings_for(const conf::Config& config) {
    process::Settings settings;
    settings.name = config.name;
    if (!config.user.empty()) settings.user = base::find_user(config.user);
    settings.max_restarts = {config.udpserver.max_restarts.count, config.udpserver.max_restarts.within};
    settings.heartbeat = config.udpserver.heartbeat;
    // Several chances to answer within a heartbeat, or an idle child would look silent between two pings.
    settings.ping_interval = std::min(settings.ping_interval, settings.heartbeat / 4);
    settings.stop_timeout = config.udpserver.stop_timeout;
    settings.foreground = config.nodaemon;
    return settings;
}

Roles::Roles(process::Supervisor& supervisor, Resources& resources,
             std::shared_ptr<const conf::Config> config)
    : supervisor_(supervisor), resources_(resources), config_(std::move(config)) {
    supervisor_.link(ipc::Party::acr, ipc::Party::reg);
    supervisor_.link(ipc::Party::apr, ipc::Party::reg);
    if (!resources_.names.empty()) add_acr();
    if (needs_lookups(*config_)) add_apr();
    supervisor_.add_role(reg_role(&reg_main));
    supervisor_.on(ipc::MessageType::name_update, [this](process::Child& child, ipc::Message& message) {
        const auto update = ipc::read<ipc::NameUpdate>(message);
        if (!update) return child.link()->refuse("malformed name-update");
        resources_.names.apply(*update);
    });
    supervisor_.on_child_ready([this](process::Child& child) {
        // One that began with an earlier configuration has not brought the sessions into this one.
        if (child.role().party == ipc::Party::reg && forked_epoch_ == resources_.history.epoch)
            resources_.forget_past();
    });
}

process::Role Roles::reg_role(decltype(&reg_main) work) {
    return {
        .name = "REG",
        .party = ipc::Party::reg,
        .speed = process::forwarding_speed,
        .run = [this, work](process::ChildRuntime& runtime) { return work(runtime, *config_, resources_); },
        .keep =
            [this] {
                forked_epoch_ = resources_.history.epoch;
                resources_.listeners.steer();
                return resources_.descriptors();
            }};
}

/// Asks name servers, so it needs no descriptor but its link and its log.
process::Role Roles::resolving_role(const std::string& name, ipc::Party party, Work work) {
    return {.name = name,
            .party = party,
            .speed = process::resolving_speed,
            .run =
                [work = std::move(work)](process::ChildRuntime& runtime) {
                    ::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + niceness_of_look_ups);
                    return work(runtime);
                },
            .keep = {}};
}

void Roles::add_acr() {
    supervisor_.add_role(resolving_role("ACR", ipc::Party::acr, [this](process::ChildRuntime& runtime) {
        return acr_main(runtime, *config_, resources_.names);
    }));
}

void Roles::add_apr() {
    supervisor_.add_role(resolving_role("APR", ipc::Party::apr, [this](process::ChildRuntime& runtime) {
        return apr_main(runtime, *config_);
    }));
}

void Roles::change(std::shared_ptr<const conf::Config> config, const process::Settings& settings) {
    const std::shared_ptr<const conf::Config> before = std::exchange(config_, std::move(config));
    const bool changed = !same_for_resolving(*before, *config_);
    const bool had_names = !resources_.names.empty();
    const bool names_changed = resources_.names.set_names(conf::names(*config_));
    change_resolving(ipc::Party::acr, had_names, !resources_.names.empty(), changed || names_changed,
                     &Roles::add_acr);
    change_resolving(ipc::Party::apr, needs_lookups(*before), needs_lookups(*config_), changed,
                     &Roles::add_apr);
    supervisor_.adjust(settings);
    supervisor_.replace(ipc::Party::reg);
}

void Roles::change_resolving(ipc::Party party, bool before, bool after, bool changed, void (Roles::*add)()) {
    if (before && !after) {
        supervisor_.remove_role(party);
    } else if (after && !before) {
        (this->*add)();
    } else if (after && changed) {
        supervisor_.replace(party);
    }
}

}  // namespace proxyd
