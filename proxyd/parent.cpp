#include "proxyd/parent.hpp"

#include <sys/resource.h>

#include <exception>
#include <stdexcept>
#include <utility>

#include "base/local_addresses.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "conf/accounts.hpp"
#include "conf/changes.hpp"
#include "conf/names.hpp"
#include "libudpserver/ipc/messages.hpp"
#include "libudpserver/net/network_monitor.hpp"
#include "libudpserver/net/udp_socket.hpp"
#include "libudpserver/process/run_once.hpp"
#include "proxyd/lookup_service.hpp"
#include "proxyd/pool_service.hpp"
#include "proxyd/settings.hpp"
#include "proxyd/status_writer.hpp"
#include "resolvers/settings.hpp"

namespace proxyd {

namespace {

/// ACR and APR run at this nice value, so that REG gets the CPU first.
constexpr int resolving_niceness = 5;
constexpr base::Duration report_timeout{5'000};
/// The answer to a command is bounded; the file has all errors.
constexpr std::size_t max_errors = 20;

std::string errors_of(const conf::LoadResult& loaded, const std::string& file) {
    std::vector<std::string> texts;
    for (const conf::Error& error : loaded.errors) {
        if (texts.size() == max_errors) {
            texts.push_back("and " + std::to_string(loaded.errors.size() - max_errors) + " more");
            break;
        }
        texts.push_back(conf::to_string(error, file));
    }
    return base::joined(texts, "\n");
}

/// True if ACR and APR would run the same with both, apart from the names.
bool same_for_resolving(const conf::Config& a, const conf::Config& b) {
    conf::Config one, other;
    one.resolver = a.resolver;
    other.resolver = b.resolver;
    return a.log.level == b.log.level && conf::fingerprint(one) == conf::fingerprint(other);
}

resolvers::NameSnapshot names_of(const Parent::Parts& parts) {
    resolvers::NameSnapshot names(conf::names(parts.config));
    if (!parts.handover) return names;
    for (const auto& [name, addresses] : parts.handover->names)
        names.apply({name, false, addresses});
    return names;
}

process::Settings settings_of(const Parent::Parts& parts, const std::optional<base::User>& user) {
    process::Settings settings = process_settings(parts.config, user);
    if (parts.candidate) settings.orphans = process::Orphans::are_killed;
    settings.start_may_fail = parts.handover != nullptr;  // it ran before, and has sessions
    return settings;
}

/// False if the last REG left its sessions to a next one, or failed.
bool closed_its_sessions(const process::Child& reg) {
    const std::optional<process::ExitStatus>& last = reg.status().last_exit;
    return last && last->is_finished();
}

}  // namespace

Parent::Parent(const Parts& parts, KeptState& kept, base::SignalInbox& signals)
    : kept_(kept),
      confinement_(parts.confinement),
      log_(parts.log),
      config_(std::make_shared<const conf::Config>(parts.config)),
      load_(parts.load),
      system_servers_(resolvers::system_text(config_->resolver)),
      names_(names_of(parts)),
      user_(conf::user_of(parts.config)),
      supervisor_(io_, settings_of(parts, user_), signals),
      drain_timer_(io_) {
    if (parts.handover) started_ = parts.handover->started;
    freeze(parts.candidate);
    supervisor_.link(ipc::Party::acr, ipc::Party::reg);
    supervisor_.link(ipc::Party::apr, ipc::Party::reg);
    if (!names_.empty()) add_acr();
    if (needs_lookups(*config_)) add_apr();
    add_reg();
    serve_pool(supervisor_, kept_.sockets.pool);
    network_ = kept_.follow_addresses(io_);
    supervisor_.on_hang_up([this] {
        if (config_->signals.hup == conf::OnHup::shutdown) return false;
        reload(false, "SIGHUP");
        return true;
    });
    supervisor_.on(ipc::MessageType::name_update, [this](process::Child& child, ipc::Message& message) {
        const auto update = ipc::read<ipc::NameUpdate>(message);
        if (!update) return child.link()->refuse("malformed name-update");
        names_.apply(*update);
    });
    supervisor_.on(ipc::MessageType::drained, [this](process::Child&, ipc::Message&) {
        if (draining_) supervisor_.stop();
    });
    supervisor_.on_child_ready([this](process::Child& child) {
        // A REG that was forked before the last reload has not adopted into its configuration.
        if (child.role().party == ipc::Party::reg && forked_epoch_ == kept_.sessions.history.epoch)
            kept_.forget_past();
        if (supervisor_.was_ready() && !is_settling()) notifier_.ready();
    });
    supervisor_.on_stopping([this] {
        notifier_.stopping();
        if (log_) log_->stopping();
    });
    if (!log_) return;
    watch_log();
    supervisor_.on_reopen([this](const process::LogProcess::Done& done) { reopen_log(done); });
}

Parent::~Parent() {
    if (log_) log_->unwatch();
}

void Parent::watch_log() {
    log_->watch(io_, [this] { supervisor_.stop(); });
}

void Parent::reopen_log(const process::LogProcess::Done& done) {
    if (!log_->has_file() && config_->status_file.path.empty()) return done({});
    log_->reopen([done](const std::string& failure) {
        if (failure.empty())
            base::log::write(base::msg::log_reopened, "log file reopened");
        else
            base::log::write(base::msg::log_reopen_failed, "{}; the old file stays in use", failure);
        done(failure);
    });
}

void Parent::finish_log() {
    if (log_) static_cast<void>(log_->finish(process::LogProcess::finish_limit));
}

void Parent::resume_log() {
    if (!log_) return;
    log_->start_later();
    watch_log();
}

int Parent::run(const std::function<void()>& ready) {
    supervisor_.on_all_ready([&] {
        kept_.log_listeners();
        ready();
        notifier_.ready();
    });
    supervisor_.start(started_);
    notifier_.start([this] { return status_text(); });
    io_.run();
    if (on_finished_) on_finished_();
    const bool reported = report_left_sessions();
    if (const std::string& failure = supervisor_.start_failure(); !failure.empty())
        throw std::runtime_error(failure);
    return reported ? supervisor_.exit_status().value_or(1) : 1;
}

/// One line for the service manager.
std::string Parent::status_text() const {
    if (supervisor_.is_stopping()) return "shutting down";
    if (supervisor_.is_paused()) return "upgrading";
    std::string down;
    for (const auto& child : supervisor_.children()) {
        const process::ChildStatus& status = child->status();
        if (status.state == process::ChildState::up) continue;
        down += (down.empty() ? "" : "; ") + child->role().name + " is not ready";
        if (status.last_exit) down += ", last exit: " + to_string(*status.last_exit);
    }
    if (const std::string fault = log_ ? log_->status().fault : ""; !fault.empty())
        down += (down.empty() ? "LOG " : "; LOG ") + fault;
    if (!down.empty()) return down;
    if (supervisor_.is_degraded()) return "degraded: crash loop, restarts of REG are delayed";
    return draining_ ? "shutting down gracefully: no new sessions" : "ready";
}

process::Role Parent::reg_role(Work work) {
    return {.name = "REG",
            .party = ipc::Party::reg,
            .speed = process::forwarding_speed,
            .run = std::move(work),
            .keep =
                [this] {
                    forked_epoch_ = kept_.sessions.history.epoch;
                    kept_.sockets.listeners.steer();
                    kept_.sockets.listeners.restore();  // the last REG may have been taken over
                    std::vector<int> descriptors = kept_.descriptors();
                    descriptors.push_back(status_sender());
                    return descriptors;
                },
            .confine =
                [this] {
                    base::keep_address_socket();
                    net::keep_route_probes();
                    opened_.network = net::NetworkMonitor::open_socket();
                    opened_.resolver = resolvers::settings_for_configuration(config_->resolver);
                    confinement_.confine(sandbox::reg, *config_, {}, kept_.guarded_sockets());
                },
            .forbidden_call = [this] { return confinement_.forbidden_call(sandbox::reg); }};
}

/// ACR and APR need no descriptor except their link and the log.
process::Role Parent::resolving_role(sandbox::Role role, ipc::Party party, Settings settings, Work work) {
    return {.name = std::string(to_string(role)),
            .party = party,
            .speed = process::resolving_speed,
            .run = std::move(work),
            .keep = {},
            .confine =
                [this, role, settings] {
                    ::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + resolving_niceness);
                    base::keep_address_socket();
                    opened_.changes.emplace();
                    opened_.resolver = settings(config_->resolver, resolvers::system_resolv_conf);
                    confinement_.confine(role, *config_, opened_.resolver);
                },
            .forbidden_call = [this, role] { return confinement_.forbidden_call(role); },
            .may_crash = true};
}

void Parent::add_reg() {
    supervisor_.add_role(reg_role([this](process::ChildRuntime& runtime) {
        return reg_main(runtime, *config_, kept_, names_, opened_, {draining_, status_sender()});
    }));
}

void Parent::add_acr() {
    supervisor_.add_role(resolving_role(
        sandbox::acr, ipc::Party::acr, resolvers::settings_for_configuration,
        [this](process::ChildRuntime& runtime) { return acr_main(runtime, *config_, names_, opened_); }));
}

void Parent::add_apr() {
    supervisor_.add_role(
        resolving_role(sandbox::apr, ipc::Party::apr, resolvers::settings_for_lookups,
                       [this](process::ChildRuntime& runtime) { return apr_main(runtime, opened_); }));
}

Parent::ReloadResult Parent::reload(bool check_only, const std::string& requester) {
    ReloadResult result;
    try {
        const std::shared_ptr<const conf::Config> next = read(result.lines);
        const std::vector<std::string> changes = conf::differences(*config_, *next);
        result.lines.insert(result.lines.end(), changes.begin(), changes.end());
        if (check_only) return kept_.check(*next), result;
        if (!changes.empty()) {
            apply(next);
            notifier_.reloading();
        }
        if (follow_resolv_conf()) result.lines.emplace_back("resolv.conf has changed: ACR and APR restart");
        base::log::write(base::msg::reloaded, "{}: configuration reloaded: {}", requester,
                         changes.empty() ? "no changes" : std::to_string(changes.size()) + " changed lines");
    } catch (const std::exception& error) {
        result = {.refused = error.what(), .lines = {}};
        if (!check_only)
            base::log::write(base::msg::reload_refused,
                             "{}: configuration rejected, the running configuration is unchanged: {}",
                             requester, result.refused);
    }
    return result;
}

/// Throws std::runtime_error with the reason if the file cannot become the running configuration.
std::shared_ptr<const conf::Config> Parent::read(std::vector<std::string>& warnings) const {
    if (supervisor_.is_stopping()) throw std::runtime_error("proxyd is shutting down");
    if (frozen_ || supervisor_.is_paused()) throw std::runtime_error("an upgrade is in progress");
    conf::LoadResult loaded = load_();
    const std::string& file = config_->file;
    if (!loaded.ok()) throw std::runtime_error(errors_of(loaded, file));
    const std::vector<std::string> keys = conf::changes_for_restart(*config_, loaded.config);
    if (!keys.empty())
        throw std::runtime_error(file + ": cannot change while proxyd runs: " + base::joined(keys, ", ") +
                                 "; restart proxyd to apply");
    for (const conf::Error& warning : loaded.warnings)
        warnings.push_back("warning: " + conf::to_string(warning, file));
    return std::make_shared<const conf::Config>(std::move(loaded.config));
}

/// Up to KeptState::apply() anything may fail, and nothing has changed.
void Parent::apply(const std::shared_ptr<const conf::Config>& next) {
    const process::Settings settings = process_settings(*next, user_);
    KeptState::Change change = kept_.prepare(*next);
    kept_.apply(std::move(change), config_);
    if (next->log.level != config_->log.level) base::log::set_level(next->log.level);
    kept_.log_ceilings(*next);
    const std::shared_ptr<const conf::Config> before = std::exchange(config_, next);
    if (log_) move_status_file(*before);
    switch_roles(*before, settings);
}

/// A LOG that has no room for the news hangs; it is replaced by one that knows them.
/// The sandbox of the one that runs ends at the old folder.
void Parent::move_status_file(const conf::Config& before) {
    log_->set_work(status_work(*config_), confinement_.for_log(*config_));
    const bool stays = before.status_file.path == config_->status_file.path;
    if (stays && send_place(log_->other_sender(), status_place(*config_))) return;
    log_->reopen([path = config_->status_file.path](const std::string& failure) {
        if (!failure.empty())
            base::log::write(base::msg::status_file_failed, "status file {} cannot be created: {}", path,
                             failure);
    });
}

/// A program that is tried out writes no status file.
int Parent::status_sender() const {
    return log_ ? log_->other_sender() : -1;
}

/// Adds, removes or replaces the children whose part of the configuration changed; REG always.
void Parent::switch_roles(const conf::Config& before, const process::Settings& settings) {
    const bool resolv_conf = resolv_conf_changed();
    const bool changed = resolv_conf || !same_for_resolving(before, *config_);
    const bool had_names = !names_.empty();
    const bool names_changed = names_.set_names(conf::names(*config_));
    change_role(ipc::Party::acr, had_names, !names_.empty(), changed || names_changed, &Parent::add_acr);
    change_role(ipc::Party::apr, needs_lookups(before), needs_lookups(*config_), changed, &Parent::add_apr);
    supervisor_.adjust(settings);
    supervisor_.replace(ipc::Party::reg);
}

bool Parent::resolv_conf_changed() {
    std::string now = resolvers::system_text(config_->resolver);
    return std::exchange(system_servers_, now) != now;
}

bool Parent::follow_resolv_conf() {
    if (supervisor_.is_stopping() || supervisor_.is_paused() || frozen_ || !resolv_conf_changed())
        return false;
    for (const ipc::Party party : {ipc::Party::acr, ipc::Party::apr})
        if (supervisor_.find(party) != nullptr) supervisor_.replace(party);
    return true;
}

void Parent::change_role(ipc::Party party, bool before, bool after, bool changed, void (Parent::*add)()) {
    if (before && !after) {
        supervisor_.remove_role(party);
    } else if (after && !before) {
        (this->*add)();
    } else if (after && changed) {
        supervisor_.replace(party);
    }
}

void Parent::drain(base::Duration limit) {
    draining_ = true;  // also for a REG that starts from now on
    base::log::write(base::msg::signal_received, "shutting down gracefully, within {}",
                     base::format_duration(limit));
    if (process::Child* reg = supervisor_.find(ipc::Party::reg)) reg->send(ipc::Drain{});
    drain_timer_.expires_after(limit);
    drain_timer_.async_wait([this](boost::system::error_code error) {
        if (!error && !supervisor_.is_stopping()) supervisor_.stop();
    });
}

void Parent::leave_to(Handover& handover, bool with_sessions) const {
    handover.file = config_->file;
    handover.config = conf::print(*config_);
    handover.started = supervisor_.started().value_or(base::Instant{});
    handover.names = names_.resolved();
    kept_.leave_to(handover, with_sessions);
}

void Parent::freeze(bool on) {
    if (std::exchange(frozen_, on) != on) kept_.freeze_pool(on);
}

/// The parent never reads the arena (doc/design.md, Ownership), so a last child does.
bool Parent::report_left_sessions() {
    if (closed_its_sessions(*supervisor_.find(ipc::Party::reg))) return true;
    std::string why;
    try {
        const process::Role role = reg_role(
            [this](process::ChildRuntime& runtime) { return report_main(runtime, *config_, kept_); });
        const process::ExitStatus status =
            process::run_once(role, process_settings(*config_, user_), report_timeout);
        if (status.is_finished()) return true;
        why = process::to_string(status);
    } catch (const std::exception& error) {
        why = error.what();
    }
    base::log::write(base::msg::report_failed, "REG: could not record the sessions that were cut off: {}",
                     why);
    return false;
}

}  // namespace proxyd
