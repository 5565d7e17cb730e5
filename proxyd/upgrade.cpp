#include "proxyd/upgrade.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <filesystem>
#include <sstream>

#include "conf/load.hpp"
#include "libudpserver/base/log.hpp"
#include "libudpserver/base/signals.hpp"
#include "libudpserver/base/text.hpp"
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

Program Program::of(int argc, char** argv) {
    std::error_code unknown;
    const std::filesystem::path path = std::filesystem::read_symlink("/proc/self/exe", unknown);
    return {path.string(), {argv, argv + argc}};
}

std::string handover_abilities() {
    return fmt::format("handover {} arena {} version {}\n", Handover::format, session::Arena::layout(),
                       PROXYD_VERSION);
}

bool Upgrade::must_wait() const {
    const bool ends = supervisor_.stopping() || resources_.draining || supervisor_.paused();
    return !ends && (!resources_.history.past.empty() || !supervisor_.all_ready());
}

/// What speaks against an upgrade just now, whatever the other program is.
std::string Upgrade::objection() const {
    if (supervisor_.stopping() || resources_.draining) return "the proxy ends";
    if (supervisor_.paused()) return "an upgrade is under way";
    if (must_wait())
        return "the processes are being replaced just now; try again when `ps` shows all of them up";
    return {};
}

Upgrade::Plan Upgrade::plan() const {
    Plan plan;
    plan.refused = objection();
    if (!plan.refused.empty()) return plan;
    try {
        const std::string& path = program_.path;
        const base::UniqueFd config = memory_file(conf::print(reloader_.config()));
        const process::Probe asked =
            process::probe_program(path, {"--handover"}, config.get(), probe_patience);
        const auto abilities = parse_abilities(asked.output);
        if (!asked.good() || !abilities || abilities->format != Handover::format) {
            plan.refused = path + " is no proxyd that this one can hand its sockets to; use restart";
            return plan;
        }
        const process::Probe checked =
            process::probe_program(path, {"-n", "-f", "/dev/stdin"}, config.get(), probe_patience);
        if (!checked.good()) plan.refused = complaint_of(path, checked);
        plan.version = abilities->version;
        plan.keeps_sessions = abilities->arena == session::Arena::layout();
    } catch (const std::exception& error) {
        plan.refused = error.what();
    }
    return plan;
}

void Upgrade::begin(const Plan& plan, const Others& others) {
    failure_.clear();
    base::log::write(base::msg::upgrading, "the proxy goes on as {} {}; the sessions {}", program_.path,
                     plan.version,
                     plan.keeps_sessions ? "stay" : "end: that program has another form of them");
    const auto how =
        plan.keeps_sessions ? process::Supervisor::Pause::leave : process::Supervisor::Pause::end;
    supervisor_.pause(how, [this, keeps = plan.keeps_sessions, others] { become(handover(keeps, others)); });
}

Handover Upgrade::handover(bool with_sessions, const Others& others) const {
    const conf::Config& config = reloader_.config();
    Handover handover{.version = PROXYD_VERSION,
                      .file = config.file,
                      .config = conf::print(config),
                      .epoch = resources_.history.epoch,
                      .started = supervisor_.started().value_or(base::Instant{}),
                      .upgrades = upgrades_ + 1,
                      .log_level = static_cast<int>(base::log::level()),
                      .listeners = {},
                      .sessions = {},
                      .pid_file = others.pid_file,
                      .control = others.control};
    resources_.leave_to(handover, with_sessions);
    return handover;
}

/// Comes back only when it has failed.
void Upgrade::become(const Handover& handover) {
    try {
        std::vector<char*> words;
        for (std::string& word : program_.arguments)
            words.push_back(word.data());
        words.push_back(nullptr);
        leave_handover(handover);
        // A signal that comes before the other program has handlers waits for it.
        const base::BlockSignals blocked;
        ::execv(program_.path.c_str(), words.data());
        const int error = errno;
        take_handover_back(handover);
        failure_ = program_.path + ": " + std::strerror(error);
    } catch (const std::exception& error) {
        failure_ = error.what();
    }
    base::log::write(base::msg::upgrade_failed, "the proxy goes on as before: {}", failure_);
    supervisor_.resume();
}

}  // namespace proxyd
