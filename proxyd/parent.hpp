#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/signals.hpp"
#include "conf/load.hpp"
#include "libudpserver/process/log_process.hpp"
#include "libudpserver/process/supervisor.hpp"
#include "proxyd/confinement.hpp"
#include "proxyd/kept_state.hpp"
#include "proxyd/notifier.hpp"
#include "proxyd/processes.hpp"
#include "resolvers/name_snapshot.hpp"

namespace proxyd {

/// Reads the configuration file as at startup, including the options of the command line.
using Load = std::function<conf::LoadResult()>;

/// The parent process: the only owner of the running configuration. It supervises REG, and ACR and APR where
/// the configuration needs them (K-3); it reloads, drains, and hands its state over to an upgrade.
class Parent {
public:
    struct Parts {
        const conf::Config& config;  ///< to start with
        const Load& load;
        const Handover* handover = nullptr;  ///< from the program that this process ran before, if any
        Confinement& confinement;
        process::LogProcess* log = nullptr;  ///< outlives the parent; null: another process owns the log
        bool candidate = false;  ///< another program tries this one out: a killed child has left its sessions
    };
    /// Adds the roles; ACR and APR start before REG is up, so that names resolve while REG starts.
    Parent(const Parts& parts, KeptState& kept, base::SignalInbox& signals);
    ~Parent();
    Parent(const Parent&) = delete;
    Parent& operator=(const Parent&) = delete;

    /// Runs until all children have exited, and returns the exit status. `ready` is called once, when all
    /// listeners are open and all children are up.
    int run(const std::function<void()>& ready);

    /// The running configuration: new children start with it.
    [[nodiscard]] const conf::Config& config() const { return *config_; }

    struct ReloadResult {
        std::string refused;             ///< the reason, if nothing changed
        std::vector<std::string> lines;  ///< warnings, then the differences
    };
    /// Reads the configuration file and switches to it by adoption (doc/design.md, Adoption): everything it
    /// needs is made before anything changes, then a new REG adopts the sessions. With `check_only` it only
    /// reports what would change. `requester` is for the log. Never throws.
    ReloadResult reload(bool check_only, const std::string& requester);

    /// If resolv.conf has changed since ACR and APR started, starts new ones with it. Returns whether it had.
    bool follow_resolv_conf();

    /// No session opens from now on; proxyd shuts down when the last one has closed, or after `limit`.
    void drain(base::Duration limit);
    [[nodiscard]] bool is_draining() const { return draining_; }

    /// True while a child starts, or while sessions of an earlier configuration await adoption.
    [[nodiscard]] bool is_settling() const { return is_adopting() || !supervisor_.all_ready(); }

    /// After a reload, until the new REG has adopted the sessions and serves.
    [[nodiscard]] bool is_adopting() const { return !kept_.sessions.history.past.empty(); }

    /// Adds everything that must survive an exec, with or without the sessions.
    void leave_to(Handover& handover, bool with_sessions) const;

    /// While another program is tried out with our sockets, REG gets no more of them, and no reload begins.
    void freeze(bool on);
    /// Called when all children have exited for a shutdown, before the last sessions are recorded.
    void on_finished(std::function<void()> callback) { on_finished_ = std::move(callback); }

    /// Records the sessions that the last REG did not record itself. Only when no REG runs. False if they
    /// could not be recorded.
    bool report_left_sessions();

    /// Writes all lines before another program is executed; resume_log() if that fails.
    void finish_log();
    void resume_log();

    [[nodiscard]] process::LogProcess* log() const { return log_; }
    [[nodiscard]] boost::asio::io_context& io() { return io_; }
    [[nodiscard]] process::Supervisor& supervisor() { return supervisor_; }
    [[nodiscard]] const KeptState& kept() const { return kept_; }
    [[nodiscard]] const Confinement& confinement() const { return confinement_; }
    [[nodiscard]] Notifier& notifier() { return notifier_; }

private:
    using Work = std::function<int(process::ChildRuntime&)>;
    using Settings = conf::Resolver (*)(conf::Resolver, const std::string& resolv_conf);
    process::Role reg_role(Work work);
    process::Role resolving_role(sandbox::Role role, ipc::Party party, Settings settings, Work work);
    [[nodiscard]] std::string status_text() const;
    [[nodiscard]] int status_sender() const;
    void add_reg();
    void add_acr();
    void add_apr();
    void change_role(ipc::Party party, bool before, bool after, bool changed, void (Parent::*add)());
    [[nodiscard]] std::shared_ptr<const conf::Config> read(std::vector<std::string>& warnings) const;
    void apply(const std::shared_ptr<const conf::Config>& next);
    bool resolv_conf_changed();
    void watch_log();
    void move_status_file(const conf::Config& before);
    void reopen_log(const process::LogProcess::Done& done);
    void switch_roles(const conf::Config& before, const process::Settings& settings);

    boost::asio::io_context io_;
    Notifier notifier_{io_};
    KeptState& kept_;
    Confinement& confinement_;
    Opened opened_;  ///< in a child
    process::LogProcess* const log_;
    std::shared_ptr<const conf::Config> config_;
    const Load& load_;
    std::optional<base::Instant> started_;  ///< of the first program, if this one is an upgrade
    std::string system_servers_;            ///< what ACR and APR use of resolv.conf
    resolvers::NameSnapshot names_;         ///< for the next ACR
    const std::optional<base::User> user_;  ///< of the children, looked up once
    process::Supervisor supervisor_;
    boost::asio::steady_timer drain_timer_;
    std::unique_ptr<net::NetworkMonitor> network_;  ///< for a shared server side
    std::uint32_t forked_epoch_ = 0;                ///< policy epoch that the last REG was forked with
    bool draining_ = false;
    bool frozen_ = false;
    std::function<void()> on_finished_;
};

}  // namespace proxyd
