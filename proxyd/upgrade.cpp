#include "proxyd/upgrade.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>
#include <exception>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <string_view>

#include "base/log.hpp"
#include "base/signals.hpp"
#include "base/text.hpp"
#include "conf/load.hpp"
#include "libudpserver/process/program_probe.hpp"

namespace proxyd {

namespace {

/// The parent waits for the other program's answers; while it does, nobody starts a child or gets more
/// sockets.
constexpr base::Duration probe_patience{3'000};
constexpr std::size_t longest_complaint = 2000;

/// `handover 1 arena 123 version 0.1.0`, as handover_abilities() says it.
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

std::string complaint_of(const std::string& path, const process::Probe& probe) {
    const std::string said = base::printable(probe.output, longest_complaint);
    if (probe.hung)
        return fmt::format("{} does not answer within {}", path, base::format_duration(probe_patience));
    return fmt::format("{} refuses to go on with the configuration that runs: {}", path,
                       said.empty() ? "no reason given" : said);
}

}  // namespace

// A name with its directory is kept as it is, so that a symbolic link may point elsewhere by then. The
// kernel's word for the file has a mark when a package has replaced it just now.
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

bool Upgrade::must_wait() const {
    const process::Supervisor& supervisor = parts_.supervisor;
    const bool ends = supervisor.stopping() || parts_.resources.draining || supervisor.paused();
    return !ends && (!parts_.resources.history.past.empty() || !supervisor.all_ready());
}

/// What speaks against an upgrade just now, whatever the other program is.
std::string Upgrade::objection() const {
    if (parts_.supervisor.stopping() || parts_.resources.draining) return "the proxy ends";
    if (parts_.supervisor.paused()) return "an upgrade is under way";
    if (must_wait())
        return "the processes are being replaced just now; try again when `ps` shows all of them up";
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
    const std::string& path = parts_.program.path;
    const base::UniqueFd config = memory_file(conf::print(parts_.reloader.config()));
    const process::Probe asked = process::probe_program(path, {"--handover"}, config.get(), probe_patience);
    const auto abilities = parse_abilities(asked.output);
    if (!asked.good() || !abilities || abilities->format != Handover::format) {
        plan.refused = path + " is no proxyd that this one can hand its sockets to; use restart";
        return;
    }
    const base::Duration left = probe_patience - (base::MonotonicClock::now() - begin);
    const process::Probe checked =
        process::probe_program(path, {"-n", "-f", "/dev/stdin"}, config.get(), left);
    if (!checked.good()) plan.refused = complaint_of(path, checked);
    plan.version = abilities->version;
    plan.keeps_sessions = abilities->arena == session::Arena::layout();
}

// A reload, an end or a death may have come between the plan and this.
void Upgrade::begin(const Plan& plan, const Others& others) {
    failure_ = objection();
    if (!failure_.empty())
        return base::log::write(base::msg::upgrade_failed, "the proxy goes on as before: {}", failure_);
    base::log::write(base::msg::upgrading, "the proxy goes on as {} {}; the sessions {}", parts_.program.path,
                     plan.version,
                     plan.keeps_sessions ? "stay" : "end: that program has another form of them");
    const auto how =
        plan.keeps_sessions ? process::Supervisor::Pause::leave : process::Supervisor::Pause::end;
    parts_.supervisor.pause(how, [this, keeps = plan.keeps_sessions, others] { paused(keeps, others); });
}

void Upgrade::paused(bool keeps_sessions, const Others& others) {
    if (!keeps_sessions) parts_.report_left();
    become(keeps_sessions, others);
}

/// Comes back only when it has failed, or has something to wait for.
void Upgrade::become(bool keeps_sessions, const Others& others) {
    // From here on signals wait for the other program. One that has come already is acted on first: what it
    // only counts would be forgotten.
    const base::BlockSignals blocked;
    if (parts_.supervisor.stopping()) return;
    if (parts_.supervisor.signal_waits())
        return boost::asio::post(parts_.io,
                                 [this, keeps_sessions, others] { become(keeps_sessions, others); });
    try {
        if (parts_.resources.draining) throw std::runtime_error("the proxy ends");
        execute(handover(keeps_sessions, others));
    } catch (const std::exception& error) {
        failure_ = error.what();
    }
    base::log::write(base::msg::upgrade_failed, "the proxy goes on as before{}: {}",
                     keeps_sessions ? "" : ", without the sessions that have ended", failure_);
    parts_.supervisor.resume();
}

Handover Upgrade::handover(bool with_sessions, const Others& others) const {
    const conf::Config& config = parts_.reloader.config();
    Handover handover{.version = PROXYD_VERSION,
                      .file = config.file,
                      .config = conf::print(config),
                      .epoch = parts_.resources.history.epoch,
                      .started = parts_.supervisor.started().value_or(base::Instant{}),
                      .upgrades = parts_.upgrades + 1,
                      .log_level = static_cast<int>(base::log::level()),
                      .listeners = {},
                      .groups = {},
                      .sockets = {},
                      .arena = {},
                      .names = {},
                      .pid_file = others.pid_file,
                      .control = others.control};
    parts_.resources.leave_to(handover, with_sessions);
    return handover;
}

void Upgrade::execute(const Handover& handover) {
    std::vector<char*> words;
    for (std::string& word : parts_.program.arguments)
        words.push_back(word.data());
    words.push_back(nullptr);
    leave_handover(handover);
    ::execv(parts_.program.path.c_str(), words.data());
    const int error = errno;
    take_handover_back(handover);
    throw std::system_error(error, std::system_category(), parts_.program.path);
}

}  // namespace proxyd
