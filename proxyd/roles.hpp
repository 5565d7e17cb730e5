#pragma once

#include <functional>
#include <memory>
#include <string>

#include "conf/config.hpp"
#include "libudpserver/process/supervisor.hpp"
#include "proxyd/acr_main.hpp"
#include "proxyd/reg_main.hpp"
#include "proxyd/resources.hpp"

namespace proxyd {

/// The settings of the supervisor that this configuration means. Throws base::Fatal when there is no such
/// user.
process::Settings settings_for(const conf::Config& config);

/// Which processes there are, and the configuration that each new one begins with. ACR and APR run only where
/// they have something to do (K-3).
class Roles {
public:
    /// Adds the roles. They start in this order: while REG starts, names are being resolved.
    Roles(process::Supervisor& supervisor, Resources& resources, std::shared_ptr<const conf::Config> config);
    Roles(const Roles&) = delete;
    Roles& operator=(const Roles&) = delete;

    [[nodiscard]] const std::shared_ptr<const conf::Config>& config() const { return config_; }

    /// From now on processes begin with this configuration: those that depend on what has changed are added,
    /// removed or replaced, REG always. `settings` are those of the configuration.
    void change(std::shared_ptr<const conf::Config> config, const process::Settings& settings);

    /// A process that reports the sessions that a REG left.
    process::Role report() { return reg_role(&report_main); }

private:
    process::Role reg_role(decltype(&reg_main) work);
    using Work = std::function<int(process::ChildRuntime&)>;
    process::Role resolving_role(const std::string& name, ipc::Party party, Work work);
    void add_acr();
    void add_apr();
    void change_resolving(ipc::Party party, bool before, bool after, bool changed, void (Roles::*add)());

    process::Supervisor& supervisor_;
    Resources& resources_;
    std::shared_ptr<const conf::Config> config_;
    std::uint32_t forked_epoch_ = 0;  ///< of the configuration that the last REG began with
};

}  // namespace proxyd
