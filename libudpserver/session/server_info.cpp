#include <fmt/format.h>

#include <atomic>
#include <boost/asio/steady_timer.hpp>

#include "libudpserver/session/server.hpp"

namespace session {

namespace {

constexpr std::chrono::seconds info_timeout{1};
/// A policy may have thousands of rules; their log lines would be of no use.
constexpr std::size_t max_rules = 50;

void add(std::vector<SocketUse>& sum, const std::vector<SocketUse>& one) {
    for (std::size_t group = 0; group < one.size(); ++group) {
        sum[group].all += one[group].all;
        sum[group].free += one[group].free;
        sum[group].quarantined += one[group].quarantined;
    }
}

void add(std::vector<RuleCount>& sum, const std::vector<RuleCount>& one) {
    for (std::size_t rule = 0; rule < one.size(); ++rule) {
        sum[rule].begun += one[rule].begun;
        sum[rule].refused += one[rule].refused;
        sum[rule].over_rate += one[rule].over_rate;
    }
}

}  // namespace

/// What only the worker's own thread can read.
struct Server::WorkerInfo {
    std::vector<SocketUse> sockets;
    std::vector<RuleCount> rules;
    std::size_t waiting = 0;
    std::atomic<bool> complete = false;
};

void Server::info(const std::function<void(std::vector<std::string>)>& then) {
    struct Round {
        Round(std::size_t count, boost::asio::io_context& io) : workers(count), timeout(io) {}
        std::vector<WorkerInfo> workers;
        boost::asio::steady_timer timeout;
    };
    const auto round = std::make_shared<Round>(workers(), io_);
    round->timeout.expires_after(info_timeout);
    round->timeout.async_wait([this, handle = handle_, round, then](boost::system::error_code) {
        if (handle.lock()) then(info_lines(round->workers));
    });
    for_all_workers(
        [round](unsigned worker, SessionEngine& engine) {
            WorkerInfo& info = round->workers[worker];
            info.sockets = engine.socket_use(base::MonotonicClock::now());
            info.rules = engine.rule_counts();
            info.waiting = engine.waiting();
            info.complete = true;
        },
        [round] { round->timeout.cancel(); });
}

std::vector<std::string> Server::info_lines(const std::vector<WorkerInfo>& workers) const {
    std::vector<std::string> lines = statistics_.info();
    std::vector<SocketUse> sockets(groups_.size());
    std::vector<RuleCount> rules(config_.session_acl.size() + 1);
    std::size_t waiting = 0;
    for (std::size_t worker = 0; worker < workers.size(); ++worker) {
        if (!workers[worker].complete) {
            lines.push_back(fmt::format("worker {} does not respond; the next lines are without it", worker));
            continue;
        }
        add(sockets, workers[worker].sockets);
        add(rules, workers[worker].rules);
        waiting += workers[worker].waiting;
    }
    lines.push_back(
        fmt::format("names: {} clients waiting, {} datagrams held, {} dropped for lack of room or a server",
                    waiting, statistics_.sum(&Totals::held), statistics_.sum(&Totals::hold_dropped)));
    add_rule_lines(lines, rules);
    add_socket_lines(lines, sockets);
    return lines;
}

void Server::add_rule_lines(std::vector<std::string>& lines, const std::vector<RuleCount>& counts) const {
    std::size_t shown = 0, more = 0;
    for (std::size_t rule = 0; rule < counts.size(); ++rule) {
        if (counts[rule].begun + counts[rule].refused + counts[rule].over_rate == 0) continue;
        if (++shown > max_rules && ++more) continue;
        const bool undecided = rule == config_.session_acl.size();
        lines.push_back(
            fmt::format("{}{}: {} sessions opened, {} first datagrams refused, {} over its rate, since this "
                        "process started",
                        undecided ? "no rule" : "rule ", undecided ? "" : config_.session_acl[rule].name,
                        counts[rule].begun, counts[rule].refused, counts[rule].over_rate));
    }
    if (more > 0) lines.push_back(fmt::format("and {} more rules", more));
}

void Server::add_socket_lines(std::vector<std::string>& lines, const std::vector<SocketUse>& use) const {
    for (std::size_t group = 0; group < use.size(); ++group) {
        lines.push_back(fmt::format("server-side sockets of {}: {} in use, {} free, {} in quarantine",
                                    net::to_string(groups_[group]),
                                    use[group].all - use[group].free - use[group].quarantined,
                                    use[group].free, use[group].quarantined));
    }
}

}  // namespace session
