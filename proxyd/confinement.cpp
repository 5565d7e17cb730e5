#include "proxyd/confinement.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "base/fatal.hpp"
#include "base/log.hpp"
#include "base/privileges.hpp"
#include "conf/names.hpp"
#include "libudpserver/sandbox/seccomp_filter.hpp"

namespace proxyd {

namespace {

namespace fs = std::filesystem;
using Files = std::vector<sandbox::Request::File>;

/// Also if a file takes the lines while syslog does not.
bool uses_syslog(const conf::Config& config) {
    if (config.log.target == base::LogTarget::automatic) return !config.nodaemon;
    return config.log.target == base::LogTarget::syslog;
}

/// What the rows of the table that depend on the configuration need.
unsigned needs_of(const conf::Config& config) {
    unsigned needs = sandbox::always;
    if (uses_syslog(config)) needs |= sandbox::syslog;
    if (!config.status_file.path.empty()) needs |= sandbox::status_file;
    // REG checks what ACR says (resolvers::PrivateAddresses).
    const bool may_be_private = !config.resolver.allow_private && !config.resolver.hosts_file.empty();
    if (may_be_private && !conf::names(config).empty()) needs |= sandbox::private_names;
    const auto has_time = [](const conf::Rule& rule) { return !rule.time.empty(); };
    if (std::getenv("TZ") == nullptr && std::ranges::any_of(config.session_acl, has_time))
        needs |= sandbox::time_zone;
    return needs;
}

/// The path of a place; empty if it is not used.
std::string path_of(sandbox::Place place, const conf::Config& config) {
    switch (place) {
        case sandbox::Place::status_folder:
            return config.status_file.path;
        case sandbox::Place::hosts_folder:
            return config.resolver.hosts_file;
        case sandbox::Place::random:
            return "/dev/urandom";
        case sandbox::Place::local_time:
            return "/etc/localtime";
        case sandbox::Place::time_zones:
            return "/usr/share/zoneinfo";
    }
    return "";
}

/// The folder of a file, also of the one that a symbolic link names. A device or a pipe is not replaced, so
/// its folder is not needed.
void add_folders(Files& files, const std::string& path, sandbox::Access access) {
    std::error_code unknown;
    const fs::file_status status = fs::status(path, unknown);
    if (fs::exists(status) && !fs::is_regular_file(status)) return files.push_back({path, access});
    files.push_back({fs::path(path).parent_path(), access});
    const fs::path real = fs::weakly_canonical(path, unknown);
    if (!unknown && real.parent_path() != fs::path(path).parent_path())
        files.push_back({real.parent_path(), access});
}

Files files_of(sandbox::Role role, const conf::Config& config) {
    Files files;
    for (const sandbox::FileRow& row : sandbox::file_rows()) {
        const bool applies = (row.roles & role) != 0 && sandbox::is_needed(row.need, needs_of(config));
        const std::string path = applies ? path_of(row.place, config) : "";
        if (!path.empty()) add_folders(files, path, row.access);
    }
    return files;
}

sandbox::Level confine_parent(const conf::Config& config) {
    if (config.singleproc) return {.missing = "off: a single process is not confined"};
    if (config.sandbox == conf::Sandbox::off) return {.missing = "off: the configuration says so"};
    return sandbox::enter({.role = sandbox::parent});
}

}  // namespace

Confinement::Confinement(const conf::Config& config) {
    if (!config.core_dumps && !config.singleproc) sandbox::forbid_core_dumps();
    const sandbox::Level level = confine_parent(config);
    level_ = to_string(level);
    is_complete_ = level.is_complete();
    if (config.sandbox == conf::Sandbox::required && !is_complete_)
        throw base::Fatal("sandbox: required, but: " + level_);
}

void Confinement::confine(sandbox::Role role, const conf::Config& config, const conf::Resolver& resolver,
                          const sandbox::GuardedSockets& guarded) {
    if (!config.core_dumps) sandbox::forbid_core_dumps();
    violations_.report_as(role);
    if (config.sandbox == conf::Sandbox::off) return base::keep_capabilities({});
    sandbox::Request request{.role = role,
                             .needs = needs_of(config),
                             .files = files_of(role, config),
                             .tcp_ports = {},
                             .guarded = guarded};
    for (const base::Endpoint& server : resolver.servers)
        request.tcp_ports.push_back(server.port);
    sandbox::enter(request);
}

std::function<void()> Confinement::for_log(const conf::Config& config) {
    return [this, copy = std::make_shared<const conf::Config>(config)] { confine(sandbox::log, *copy); };
}

std::string Confinement::forbidden_call(sandbox::Role role) {
    const std::optional<int> call = violations_.take(role);
    return call ? sandbox::name_of_call(*call) : "unknown";
}

void Confinement::log_level() const {
    if (is_complete_)
        base::log::write(base::msg::sandbox_reached, "sandbox: {}", level_);
    else
        base::log::write(base::msg::sandbox_incomplete, "sandbox: {}", level_);
}

}  // namespace proxyd
