#include "proxyctl/doctor.hpp"

#include <sys/timex.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "proxyctl/answer.hpp"
#include "proxyctl/failure.hpp"
#include "proxyctl/finding.hpp"
#include "proxyctl/human.hpp"
#include "proxyctl/instance_state.hpp"
#include "proxyctl/name_finding.hpp"

namespace proxyctl {

namespace {

constexpr base::Duration name_server_patience = std::chrono::seconds(1);

std::string text_of(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::uint64_t descriptors_of(std::int64_t pid, const Row& process) {
    std::error_code error;
    const std::filesystem::directory_iterator all("/proc/" + std::to_string(pid) + "/fd", error);
    if (error)
        return static_cast<std::uint64_t>(
            std::max<std::int64_t>(0, process.number("descriptors").value_or(0)));
    return static_cast<std::uint64_t>(std::distance(begin(all), end(all)));
}

/// Collects the findings of one visit.
class Visit {
public:
    explicit Visit(Context& context)
        : context_(context), instance_(context.instance != nullptr ? *context.instance : Instance{}) {}

    int make() {
        machine();
        if (context_.instance != nullptr) instance();
        return show();
    }

private:
    void add(Finding finding) { findings_.push_back(std::move(finding)); }

    void machine() {
        timex clock{};
        const int state = ::adjtimex(&clock);
        add(judge_clock(state >= 0 && state != TIME_ERROR && (clock.status & STA_UNSYNC) == 0,
                        clock.maxerror));
        add(judge_core_pattern(text_of("/proc/sys/kernel/core_pattern")));
    }

    void instance() {
        const InstanceState state = state_of(context_, *context_.instance);
        if (!instance_.has_file() && state.answered) find_file();
        if (instance_.has_file()) configuration(instance_.config);
        const int status = status_exit(state.state);
        const std::string what = context_.instance->name + ": " + state.state;
        add({status == 0   ? Health::ok
             : status == 1 ? Health::warn
                           : Health::bad,
             state.why.empty() ? what : what + ": " + state.why,
             status == 0             ? ""
             : state.state == "down" ? "start it"
                                     : "see `ps` and `log tail`"});
        if (state.answered) running(state.status);
    }

    /// Of an instance that is known by its socket alone.
    void find_file() {
        try {
            const std::string file = ask_one(context_, "version").text("config");
            if (std::filesystem::exists(file)) instance_ = instance_of_file(file, context_.settings.places);
        } catch (const std::exception&) {
            return;  // what is wrong shows up where it is asked for more
        }
    }

    void configuration(const conf::Config& config) {
        if (instance_.mistakes > 0) {
            add({Health::bad, config.file + ": " + std::to_string(instance_.mistakes) + " mistakes",
                 "proxyd -n -f " + config.file + " shows them"});
            return;
        }
        const std::string core = "/proc/sys/net/core/";
        add(judge_buffer("receive-buffer", config.udpserver.receive_buffer, "net.core.rmem_max",
                         text_of(core + "rmem_max")));
        add(judge_buffer("send-buffer", config.udpserver.send_buffer, "net.core.wmem_max",
                         text_of(core + "wmem_max")));
        add(judge_ports(text_of("/proc/sys/net/ipv4/ip_local_port_range"), config.udpserver.max_sessions));
        name_servers(config);
    }

    void name_servers(const conf::Config& config) {
        const std::vector<TransportUse> uses = transports_used(config);
        if (uses.empty()) return;
        std::vector<base::Endpoint> servers = config.resolver.servers;
        if (servers.empty()) servers = servers_of_resolv_conf(text_of("/etc/resolv.conf"));
        if (servers.empty()) return add(no_name_server());
        std::vector<NameServerProbe> probes;
        for (const TransportUse& use : uses)
            for (const base::Endpoint& server : servers)
                probes.push_back({server, use.transport});
        // All at the same time: what one keeps us waiting for is no other one's fault.
        probes = carry_out(std::move(probes), {name_server_patience, context_.interrupt});
        for (const TransportUse& use : uses)
            for (Finding& finding : judge_name_servers(use, probes))
                add(std::move(finding));
    }

    void running(const Row& status) {
        std::vector<Row> processes;
        try {
            processes = ask_all(context_, "ps");
        } catch (const Failure& failure) {
            add({Health::bad, std::string("ps: ") + failure.what(), "see `status`"});
        }
        for (const Row& process : processes)
            judge(process);
        listeners(status, processes);
        names();
    }

    void judge(const Row& process) {
        const std::int64_t pid = process.number("pid").value_or(0);
        if (pid <= 0) return;
        const std::string role = process.text("role");
        const std::string folder = "/proc/" + std::to_string(pid);
        add(judge_descriptors(role, text_of(folder + "/limits"), descriptors_of(pid, process)));
        if (role == "parent") return;
        const bool user = !instance_.has_file() || !instance_.config.user.empty();
        add(judge_privileges(role, text_of(folder + "/status"), user));
        add(judge_restarts(role, process.number("restarts").value_or(0)));
    }

    /// The tables are those of the parent's network namespace.
    void listeners(const Row& status, const std::vector<Row>& processes) {
        const Value* listeners = status.find("listeners");
        if (listeners == nullptr || processes.empty()) return;
        std::vector<std::string> addresses;
        for (const Field& member : listeners->members)
            addresses.push_back(member.value.text);
        const std::string net =
            "/proc/" + std::to_string(processes.front().number("pid").value_or(0)) + "/net/";
        add(judge_drops(text_of(net + "udp") + text_of(net + "udp6"), addresses));
    }

    void names() {
        try {
            for (Finding& finding : judge_names(ask_all(context_, "names")))
                add(std::move(finding));
        } catch (const Failure& failure) {
            // Other refusals say that nobody keeps names here, and then there is nothing to be found.
            if (failure.status == exit_status::timed_out)
                add({Health::warn, std::string("names: ") + failure.what(), "see `ps`"});
        }
    }

    int show() const {
        Health worst = Health::ok;
        for (const Finding& finding : findings_) {
            worst = std::max(worst, finding.health);
            context_.out.json() ? show_json(finding) : show_text(finding);
        }
        return static_cast<int>(worst);
    }

    void show_text(const Finding& finding) const {
        const std::string word(word_for(finding.health));
        context_.out.line(word + std::string(6 - word.size(), ' ') + visible(finding.what),
                          finding.health == Health::ok     ? Tone::good
                          : finding.health == Health::warn ? Tone::warning
                                                           : Tone::bad);
        if (!finding.remedy.empty()) context_.out.line("      -> " + visible(finding.remedy));
    }

    void show_json(const Finding& finding) const {
        context_.out.row_line(Row({{"finding", Value::of(std::string(word_for(finding.health)))},
                                   {"what", Value::of(finding.what)},
                                   {"remedy", Value::of(finding.remedy)}}));
    }

    Context& context_;
    Instance instance_;  ///< with the configuration that was found
    std::vector<Finding> findings_;
};

}  // namespace

int run_doctor(Context& context, const Arguments&) {
    return Visit(context).make();
}

}  // namespace proxyctl
