#include "proxyd/upgrade.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <exception>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <string_view>

#include "base/log.hpp"
#include "base/signals.hpp"
#include "base/text.hpp"
#include "conf/load.hpp"
#include "libudpserver/process/exit_status.hpp"
#include "libudpserver/process/program_probe.hpp"
#include "proxyd/parent.hpp"

namespace proxyd {

namespace {

/// The parent waits this long for the other program; meanwhile no child is restarted and REG gets no sockets.
constexpr base::Duration probe_timeout{3'000};
constexpr std::size_t max_complaint = 2000;

/// `handover 1 arena 123 version 0.1.0`, as handover_abilities() prints it.
struct Abilities {
    unsigned format = 0;
    std::uint64_t arena = 0;
    std::string version;
};

std::optional<Abilities> parse_abilities(const std::string& line) {
    Abilities abilities;
    std::string handover, arena, version;
    std::istringstream words(line);
    words >> handover >> abilities.format >> arena >> abilities.arena >> version >> abilities.version;
    if (!words || handover != "handover" || arena != "arena" || version != "version") return std::nullopt;
    return abilities;
}

base::UniqueFd memory_file(const std::string& text) {
    base::UniqueFd file(::memfd_create("proxyd-configuration", MFD_CLOEXEC));
    if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        throw std::system_error(errno, std::system_category(), "memfd");
    return file;
}

/// A program that does not say what it can take over is not a proxyd, or not a whole one.
std::string failure_of(const std::string& path, const process::Probe& probe) {
    const std::string output = base::printable(probe.output.substr(0, probe.output.find('\n')), 200);
    return fmt::format("{} is not a working proxyd ({}{}{}); install proxyd there and retry", path,
                       probe.hung ? "it does not answer" : to_string(process::ExitStatus{probe.wait_status}),
                       output.empty() ? "" : ": ", output);
}

std::string complaint_of(const std::string& path, const process::Probe& probe) {
    if (probe.hung)
        return fmt::format("{} does not answer within {}", path, base::format_duration(probe_timeout));
    const std::string output = base::printable(probe.output, max_complaint);
    return fmt::format("{} rejects the running configuration: {}", path,
                       output.empty() ? "no reason given" : output);
}

}  // namespace

// An absolute path is kept as given, since a symbolic link may point elsewhere at the time of the upgrade.
// The kernel marks the path of a file that a package has replaced.
Program Program::of(int argc, char** argv) {
    constexpr std::string_view mark = " (deleted)";
    std::string path = argc > 0 ? argv[0] : "";
    if (!path.starts_with('/')) {
        std::error_code unknown;
        path = std::filesystem::read_symlink("/proc/self/exe", unknown).string();
        if (path.ends_with(mark)) path.resize(path.size() - mark.size());
    }
    return {path, {argv, argv + argc}};
}

std::string handover_abilities() {
    return fmt::format("handover {} arena {} version {}\n", Handover::format, session::Arena::layout(),
                       PROXYD_VERSION);
}

Upgrade::Upgrade(Parent& parent, Program program, unsigned count, int pid_file)
    : parent_(parent), program_(std::move(program)), count_(count), pid_file_(pid_file) {
    // A shutdown ends a trial before the last sessions are recorded.
    parent_.on_finished([this] { trial_.reset(); });
}

bool Upgrade::is_shutting_down() const {
    return parent_.supervisor().is_stopping() || parent_.is_draining();
}

bool Upgrade::must_wait() const {
    return !is_shutting_down() && !trial_ && !parent_.supervisor().is_paused() && parent_.is_settling();
}

/// Why no upgrade is possible now, whatever the other program is.
std::string Upgrade::objection() const {
    if (is_shutting_down()) return "proxyd is shutting down";
    if (trial_ || parent_.supervisor().is_paused()) return "an upgrade is in progress";
    if (must_wait()) return "child processes are restarting; retry when `ps` shows all of them up";
    return {};
}

Upgrade::Plan Upgrade::plan() const {
    Plan plan;
    plan.refused = objection();
    if (!plan.refused.empty()) return plan;
    try {
        ask_program(plan);
    } catch (const std::exception& error) {
        plan.refused = error.what();
    }
    return plan;
}

void Upgrade::ask_program(Plan& plan) const {
    const base::Instant begin = base::MonotonicClock::now();
    const std::string& path = program_.path;
    const base::UniqueFd config = memory_file(conf::print(parent_.config()));
    process::Unreaped& unreaped = parent_.supervisor().unreaped();
    const process::Probe asked =
        process::probe_program(path, {"--handover"}, config.get(), probe_timeout, unreaped);
    const auto abilities = parse_abilities(asked.output);
    if (!asked.good() || !abilities) {
        plan.refused = failure_of(path, asked);
        return;
    }
    if (abilities->format != Handover::format) {
        plan.refused = fmt::format(
            "{} is proxyd {}, which cannot take over from {}; use `proxyctl restart`, "
            "which closes the sessions",
            path, abilities->version, PROXYD_VERSION);
        return;
    }
    const base::Duration left = probe_timeout - (base::MonotonicClock::now() - begin);
    const process::Probe checked =
        process::probe_program(path, {"-n", "-f", "/dev/stdin"}, config.get(), left, unreaped);
    if (!checked.good()) plan.refused = complaint_of(path, checked);
    plan.version = abilities->version;
    plan.keeps_sessions = abilities->arena == session::Arena::layout();
}

// A reload, a shutdown or a crash may have come between the plan and this.
void Upgrade::begin(const Plan& plan, const Handover::File& control) {
    failure_ = objection();
    if (!failure_.empty())
        return base::log::write(base::msg::upgrade_failed, "upgrade refused, still running {}: {}",
                                PROXYD_VERSION, failure_);
    base::log::write(base::msg::upgrading, "upgrading to {} {}; sessions are {}", program_.path, plan.version,
                     plan.keeps_sessions ? "kept" : "closed: that version stores them differently");
    try {
        Handover left = handover(plan.keeps_sessions, control);
        if (parent_.log()) left.log = parent_.log()->channels().of(process::candidate_role).sender.get();
        parent_.freeze(true);
        trial_.emplace(parent_, program_, left,
                       [this, plan, control](const std::string& failure) { tried(plan, control, failure); });
    } catch (const std::exception& error) {
        report_failure(error.what(), true);
    }
}

void Upgrade::tried(const Plan& plan, const Handover::File& control, const std::string& failure) {
    trial_.reset();
    parent_.freeze(false);
    if (!failure.empty()) return report_failure(failure, true);
    if (plan.keeps_sessions) return become(true, control);
    parent_.supervisor().pause(process::Supervisor::Pause::stop, [this, control] {
        parent_.report_left_sessions();
        become(false, control);
    });
}

/// The children continue, with the sessions if these were kept.
void Upgrade::report_failure(const std::string& reason, bool sessions_kept) {
    failure_ = reason;
    base::log::write(base::msg::upgrade_failed, "upgrade failed, still running {}{}: {}", PROXYD_VERSION,
                     sessions_kept ? "" : "; sessions were closed", failure_);
    parent_.freeze(false);
    parent_.supervisor().resume();
}

/// Returns only if it failed, or must wait for a signal.
void Upgrade::become(bool keeps_sessions, const Handover::File& control) {
    // From here on signals wait for the other program. One that is already here is handled first, or it would
    // be lost.
    const base::BlockSignals blocked;
    process::Supervisor& supervisor = parent_.supervisor();
    if (supervisor.is_stopping()) return;
    if (supervisor.has_pending_signal())
        return boost::asio::post(parent_.io(),
                                 [this, keeps_sessions, control] { become(keeps_sessions, control); });
    try {
        if (parent_.is_draining()) throw std::runtime_error("proxyd is shutting down");
        parent_.notifier().reloading();
        execute(handover(keeps_sessions, control));
    } catch (const std::exception& error) {
        report_failure(error.what(), keeps_sessions);
    }
}

Handover Upgrade::handover(bool with_sessions, const Handover::File& control) const {
    Handover handover;
    handover.version = PROXYD_VERSION;
    handover.upgrades = count_ + 1;
    handover.log_level = static_cast<int>(base::log::level());
    handover.pid_file.descriptor = pid_file_;
    handover.control = control;
    parent_.leave_to(handover, with_sessions);
    return handover;
}

void Upgrade::execute(const Handover& handover) {
    std::vector<char*> words;
    for (std::string& word : program_.arguments)
        words.push_back(word.data());
    words.push_back(nullptr);
    leave_handover(handover);
    parent_.finish_log();
    ::execv(program_.path.c_str(), words.data());
    const int error = errno;
    parent_.resume_log();
    take_handover_back(handover);
    throw std::system_error(error, std::system_category(), program_.path);
}

}  // namespace proxyd
