#include <sys/timex.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "conf/accounts.hpp"
#include "proxyctl/answer.hpp"
#include "proxyctl/command_table.hpp"
#include "proxyctl/doctor/finding.hpp"
#include "proxyctl/human.hpp"
#include "resolvers/settings.hpp"

namespace proxyctl {

namespace {

constexpr base::Duration probe_timeout = std::chrono::seconds(1);

std::string text_of(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// Nothing if neither this process nor the parent may count them: a running process has some.
std::optional<std::uint64_t> descriptors_of(std::int64_t pid, const Row& process) {
    std::error_code error;
    const std::filesystem::directory_iterator all("/proc/" + std::to_string(pid) + "/fd", error);
    const std::int64_t count =
        error ? process.number("descriptors").value_or(0) : std::distance(begin(all), end(all));
    return count > 0 ? std::optional(static_cast<std::uint64_t>(count)) : std::nullopt;
}

/// Since the file was written; nothing if it is missing.
std::optional<base::Duration> age_of(const std::string& path) {
    std::error_code error;
    const auto written = std::filesystem::last_write_time(path, error);
    if (error) return std::nullopt;
    return std::chrono::duration_cast<base::Duration>(std::filesystem::file_time_type::clock::now() -
                                                      written);
}

/// Collects the findings about the machine and, if there is one, the instance.
class Checkup {
public:
    explicit Checkup(Context& context)
        : context_(context), instance_(context.instance != nullptr ? *context.instance : Instance{}) {}

    int run() {
        check_machine();
        if (context_.instance != nullptr) check_instance();
        return show();
    }

private:
    void add(Finding finding) { findings_.push_back(std::move(finding)); }
    void add(std::vector<Finding> findings) { std::ranges::move(findings, std::back_inserter(findings_)); }

    void check_machine() {
        timex clock{};
        const int state = ::adjtimex(&clock);
        add(check_clock(state >= 0 && state != TIME_ERROR && (clock.status & STA_UNSYNC) == 0,
                        clock.maxerror));
        add(check_core_pattern(text_of("/proc/sys/kernel/core_pattern")));
    }

    void check_instance() {
        const InstanceState state = state_of(context_, *context_.instance);
        if (!instance_.has_file() && state.answered) find_file();
        if (instance_.has_file()) check_configuration(instance_.config);
        add(finding_of(state));
        if (!state.answered) return;
        std::vector<Row> processes;
        try {
            processes = ask_all(context_, "ps");
        } catch (const Failure& failure) {
            add({Health::bad, std::string("ps: ") + failure.what(), "see `status`"});
        }
        for (const Row& process : processes)
            check_process(process);
        if (const Value* complete = state.status.find("sandbox_complete"))  // an older proxyd has none
            add(check_sandbox(state.status.text("sandbox"), complete->boolean));
        if (state.status.find("server_side") != nullptr)
            add(check_server_side(state.status.text("server_side")));
        show_ceilings(state.status);
        check_listeners(state.status, processes);
        check_services(processes);
        check_configured_names();
    }

    Finding finding_of(const InstanceState& state) const {
        const int exit_code = state.exit_code();
        const std::string what = context_.instance->name + ": " + state.state;
        return {exit_code == 0   ? Health::ok
                : exit_code == 1 ? Health::warn
                                 : Health::bad,
                state.why.empty() ? what : what + ": " + state.why, remedy_for(state)};
    }

    static std::string remedy_for(const InstanceState& state) {
        if (state.state == "serving") return "";
        if (state.state == "down") return "start it";
        if (state.state == "no-right") return "run proxyctl as root or as a member of control.group";
        if (state.state == "no-socket") return "set control.socket, and restart it with its service manager";
        if (state.state == "no-answer") return "see the state of the parent process with ps(1)";
        if (state.state == "starting" || state.state == "stopping") return "wait, and see `log tail`";
        return "see `ps`, `log tail` and the findings below";
    }

    /// For an instance that is only known by its socket.
    void find_file() {
        try {
            const std::string file = ask_one(context_, "version").text("config");
            if (std::filesystem::exists(file)) instance_ = instance_of_file(file, context_.settings.places);
        } catch (const std::exception&) {
            return;  // later requests report the problem
        }
    }

    void check_configuration(const conf::Config& config) {
        if (!instance_.problem.empty())
            return add({Health::bad, instance_.problem, "correct it: a reload or a start would fail"});
        for (const std::string& problem : conf::account_problems(config))
            add({Health::bad, config.file + ": " + problem, "correct it: a start would fail"});
        const std::string core = "/proc/sys/net/core/";
        add(check_buffer("receive-buffer", config.udpserver.receive_buffer, "net.core.rmem_max",
                         text_of(core + "rmem_max")));
        add(check_buffer("send-buffer", config.udpserver.send_buffer, "net.core.wmem_max",
                         text_of(core + "wmem_max")));
        if (auto ports = check_ports(conf::System::read(), config)) add(std::move(*ports));
        probe_name_servers(config);
    }

    void probe_name_servers(const conf::Config& config) {
        const std::vector<TransportUse> uses = transports_used(config);
        if (uses.empty()) return;
        const auto system = resolvers::settings_for_lookups(config.resolver).servers;
        const auto used = servers_in_use();
        const auto& servers = used.empty() ? system : used;
        if (!used.empty() && used != system) add(outdated_name_servers(used, system));
        if (servers.empty()) return add(no_name_server());
        std::vector<NameServerProbe> probes;
        for (const TransportUse& use : uses)
            for (const base::Endpoint& server : servers)
                probes.push_back({server, use.transport});
        // All at once, so that a silent server does not delay the others.
        probes = run_probes(std::move(probes), {probe_timeout, context_.interrupt});
        for (const TransportUse& use : uses)
            add(check_name_servers(use, probes));
    }

    /// What the running processes ask, which may differ from the files.
    std::vector<base::Endpoint> servers_in_use() const {
        std::vector<base::Endpoint> servers;
        for (const char* role : {"ACR", "APR"}) {
            try {
                for (const Row& row : ask_all(context_, "name-servers", {{"role", role}})) {
                    const auto server = base::parse_endpoint(row.text("server"));
                    if (server && std::ranges::find(servers, *server) == servers.end())
                        servers.push_back(*server);
                }
            } catch (const Failure&) {
                // It does not run, or is older.
            }
        }
        return servers;
    }

    void check_process(const Row& process) {
        if (const auto lost = process.number("lines_lost"))
            add(check_log(*lost, process.number("lines_lost_ago_ms").value_or(0), process.text("fault")));
        const std::int64_t pid = process.number("pid").value_or(0);
        if (pid <= 0) return;
        const std::string role = process.text("role");
        const std::string folder = "/proc/" + std::to_string(pid);
        add(check_descriptors(role, text_of(folder + "/limits"), descriptors_of(pid, process)));
        if (role == "parent") return;
        const bool user = !instance_.has_file() || !instance_.config.user.empty();
        add(check_privileges(role, text_of(folder + "/status"), user));
        add(check_restarts(role, process.number("restarts").value_or(0)));
        if (const std::int64_t calls = process.number("forbidden_calls").value_or(0); calls > 0)
            add(check_forbidden_calls(role, calls));
    }

    void check_services(const std::vector<Row>& processes) {
        try {
            const bool has_log_process = std::ranges::any_of(
                processes, [](const Row& row) { return row.find("lines_lost") != nullptr; });
            add(check_totals(ask_one(context_, "stats"), has_log_process));
        } catch (const Failure& failure) {
            add({Health::warn, std::string("stats: ") + failure.what(), "see `ps`"});
        }
        if (!instance_.has_file()) return;
        const conf::Config& config = instance_.config;
        std::error_code error;
        // Without a target it depends on the command line (-d) whether syslog is used.
        if (config.log.target == base::LogTarget::syslog)
            add(check_syslog(std::filesystem::is_socket("/dev/log", error)));
        if (!config.status_file.path.empty())
            add(check_status_file(config.status_file, age_of(config.status_file.path)));
    }

    /// How many new sessions per second the server-side sockets allow.
    void show_ceilings(const Row& status) {
        if (const Value* ceilings = status.find("ceilings"))  // an older proxyd has none
            for (const Field& member : ceilings->members)
                add({Health::ok, member.value.text, {}});
    }

    /// By the tables of the parent's network namespace.
    void check_listeners(const Row& status, const std::vector<Row>& processes) {
        const Value* listeners = status.find("listeners");
        if (listeners == nullptr || processes.empty()) return;
        std::vector<std::string> addresses;
        for (const Field& member : listeners->members)
            addresses.push_back(member.value.text);
        const std::string net =
            "/proc/" + std::to_string(processes.front().number("pid").value_or(0)) + "/net/";
        add(check_drops(text_of(net + "udp") + text_of(net + "udp6"), addresses));
    }

    void check_configured_names() {
        try {
            add(check_names(ask_names(context_)));
        } catch (const Failure& failure) {
            // Other errors mean that the instance has no names.
            if (failure.status == exit_status::timed_out)
                add({Health::warn, std::string("names: ") + failure.what(), "see `ps`"});
        }
    }

    int show() const {
        Health worst = Health::ok;
        for (const Finding& finding : findings_) {
            worst = std::max(worst, finding.health);
            show(finding);
        }
        return static_cast<int>(worst);
    }

    void show(const Finding& finding) const {
        const std::string word(word_for(finding.health));
        if (context_.out.json()) {
            return context_.out.row_line(
                Row({{"finding", word}, {"what", finding.what}, {"remedy", finding.remedy}}));
        }
        context_.out.line(word + std::string(6 - word.size(), ' ') + visible(finding.what),
                          finding.health == Health::ok     ? Tone::good
                          : finding.health == Health::warn ? Tone::warning
                                                           : Tone::bad);
        if (!finding.remedy.empty()) context_.out.line("      -> " + visible(finding.remedy));
    }

    Context& context_;
    Instance instance_;  ///< with the configuration that find_file() found
    std::vector<Finding> findings_;
};

/// 0: all is ok, 1: there are warnings, 2: something is bad.
int run_doctor(Context& context, const Arguments&) {
    return Checkup(context).run();
}

}  // namespace

std::span<const Command> doctor_commands() {
    using namespace row_words;
    // clang-format off
    static constexpr Command rows[] = {
        {"doctor", health, read, optional, {}, {}, run_doctor,
         "Check the machine and an instance for problems."},
    };
    // clang-format on
    return rows;
}

}  // namespace proxyctl
