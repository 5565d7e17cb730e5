// What REG tells of itself when it is asked by INFO (K-20).

#include <fmt/format.h>

#include <array>
#include <future>

#include "libudpserver/net/udp_socket.hpp"
#include "libudpserver/session/server.hpp"

namespace session {

namespace {

constexpr std::chrono::seconds patience{1};
/// A policy may have thousands of rules; nobody reads so many lines.
constexpr std::size_t most_rules = 50;

/// What only the worker's own thread may look at.
struct Told {
    std::promise<void> done;
    std::vector<SocketUse> sockets;
    std::vector<RuleCount> rules;
    std::size_t waiting = 0;
};

std::shared_ptr<Told> ask(Worker& worker) {
    auto told = std::make_shared<Told>();
    worker.post([told](SessionEngine& sessions) {
        told->sockets = sessions.socket_use(base::MonotonicClock::now());
        told->rules = sessions.rule_counts();
        told->waiting = sessions.waiting();
        told->done.set_value();
    });
    return told;
}

void add(std::vector<SocketUse>& sum, const std::vector<SocketUse>& one) {
    for (std::size_t group = 0; group < one.size(); ++group) {
        sum[group].all += one[group].all;
        sum[group].free += one[group].free;
        sum[group].resting += one[group].resting;
    }
}

void add(std::vector<RuleCount>& sum, const std::vector<RuleCount>& one) {
    for (std::size_t rule = 0; rule < one.size(); ++rule) {
        sum[rule].begun += one[rule].begun;
        sum[rule].refused += one[rule].refused;
    }
}

}  // namespace

std::vector<std::string> Server::info() const {
    std::vector<std::string> lines;
    add_traffic(lines);
    add_reasons(lines);
    std::vector<std::shared_ptr<Told>> answers;
    for (const std::unique_ptr<Worker>& worker : workers_)
        answers.push_back(ask(*worker));
    std::vector<SocketUse> sockets(groups_.size());
    std::vector<RuleCount> rules(config_.session_acl.size() + 1);
    std::size_t waiting = 0;
    for (std::size_t worker = 0; worker < answers.size(); ++worker) {
        if (answers[worker]->done.get_future().wait_for(patience) != std::future_status::ready) {
            lines.push_back(fmt::format("worker {} does not answer; it is missing in what follows", worker));
            continue;
        }
        add(sockets, answers[worker]->sockets);
        add(rules, answers[worker]->rules);
        waiting += answers[worker]->waiting;
    }
    lines.push_back(
        fmt::format("names: {} clients wait, {} datagrams were held, {} found no room or nobody to "
                    "go to",
                    waiting, sum(&Totals::held), sum(&Totals::hold_dropped)));
    add_rules(lines, rules);
    add_sockets(lines, sockets);
    return lines;
}

void Server::add_traffic(std::vector<std::string>& lines) const {
    lines.push_back(fmt::format(
        "sessions: {} open of {}, {} unanswered, {} created, {} closed, {} adopted, {} aborted",
        sum(&Totals::open), config_.udpserver.max_sessions, sum(&Totals::unanswered), sum(&Totals::created),
        sum(&Totals::closed), sum(&Totals::adopted), sum(&Totals::aborted)));
    lines.push_back(fmt::format("from clients: {} datagrams, {} bytes; to servers: {} datagrams, {} bytes",
                                sum(&Totals::client_datagrams), sum(&Totals::client_bytes),
                                sum(&Totals::to_server_datagrams), sum(&Totals::to_server_bytes)));
    lines.push_back(fmt::format("from servers: {} datagrams, {} bytes; to clients: {} datagrams, {} bytes",
                                sum(&Totals::server_datagrams), sum(&Totals::server_bytes),
                                sum(&Totals::to_client_datagrams), sum(&Totals::to_client_bytes)));
    lines.push_back(
        fmt::format("dropped: {} refused, {} foreign, {} over a limit, {} stray, {} by the proxy, {} buffer "
                    "full, {} send errors, {} icmp errors, {} truncated, {} bad source, {} by the kernel",
                    sum(&Totals::refused), sum(&Totals::foreign), sum(&Totals::over_limit),
                    sum(&Totals::stray), sum(&Totals::dropped_by_proxy), sum(&Totals::send_full),
                    sum(&Totals::send_errors), sum(&Totals::icmp_errors), sum(&Totals::truncated),
                    sum(&Totals::bad_source), sum(&Totals::kernel_drops) + dropped_at_listeners()));
    if (workers_.size() > 1)
        lines.push_back(fmt::format("between workers: {} datagrams handed over, {} dropped",
                                    sum(&Totals::handed_over), sum(&Totals::hand_over_dropped)));
}

std::vector<std::pair<std::string, std::uint64_t>> Server::stats() const {
    struct Named {
        const char* name;
        Count Totals::*count;
    };
    static constexpr auto counts = std::to_array<Named>({
        {"open", &Totals::open},
        {"unanswered", &Totals::unanswered},
        {"created", &Totals::created},
        {"closed", &Totals::closed},
        {"adopted", &Totals::adopted},
        {"aborted", &Totals::aborted},
        {"client_datagrams", &Totals::client_datagrams},
        {"client_bytes", &Totals::client_bytes},
        {"to_server_datagrams", &Totals::to_server_datagrams},
        {"to_server_bytes", &Totals::to_server_bytes},
        {"server_datagrams", &Totals::server_datagrams},
        {"server_bytes", &Totals::server_bytes},
        {"to_client_datagrams", &Totals::to_client_datagrams},
        {"to_client_bytes", &Totals::to_client_bytes},
        {"refused", &Totals::refused},
        {"foreign", &Totals::foreign},
        {"over_limit", &Totals::over_limit},
        {"stray", &Totals::stray},
        {"dropped_by_proxy", &Totals::dropped_by_proxy},
        {"buffer_full", &Totals::send_full},
        {"send_errors", &Totals::send_errors},
        {"icmp_errors", &Totals::icmp_errors},
        {"truncated", &Totals::truncated},
        {"bad_source", &Totals::bad_source},
        {"held", &Totals::held},
        {"hold_dropped", &Totals::hold_dropped},
        {"handed_over", &Totals::handed_over},
        {"hand_over_dropped", &Totals::hand_over_dropped},
    });
    std::vector<std::pair<std::string, std::uint64_t>> result{
        {"max_sessions", config_.udpserver.max_sessions}};
    for (const Named& named : counts)
        result.emplace_back(named.name, sum(named.count));
    result.emplace_back("dropped_by_kernel", sum(&Totals::kernel_drops) + dropped_at_listeners());
    return result;
}

std::uint64_t Server::dropped_at_listeners() const {
    std::uint64_t all = 0;
    for (const int listener : listeners_.descriptors())
        all += net::dropped(listener);
    return all;
}

void Server::add_reasons(std::vector<std::string>& lines) const {
    for (std::size_t reason = 1; reason < static_cast<std::size_t>(CloseReason::count_); ++reason) {
        std::uint64_t closed = 0, refused = 0;
        for (const Totals& totals : arena_.all_totals()) {
            closed += totals.closed_by[reason].get();
            refused += totals.refused_by[reason].get();
        }
        if (closed + refused == 0) continue;
        lines.push_back(fmt::format("reason {}: {} sessions closed, {} first datagrams refused",
                                    to_string(static_cast<CloseReason>(reason)), closed, refused));
    }
}

void Server::add_rules(std::vector<std::string>& lines, const std::vector<RuleCount>& counts) const {
    std::size_t shown = 0, more = 0;
    for (std::size_t rule = 0; rule < counts.size(); ++rule) {
        if (counts[rule].begun + counts[rule].refused == 0) continue;
        if (++shown > most_rules && ++more) continue;
        const bool undecided = rule == config_.session_acl.size();
        lines.push_back(
            fmt::format("{}{}: {} sessions begun, {} first datagrams refused, since this process started",
                        undecided ? "no rule" : "rule ", undecided ? "" : config_.session_acl[rule].name,
                        counts[rule].begun, counts[rule].refused));
    }
    if (more > 0) lines.push_back(fmt::format("and {} more rules", more));
}

void Server::add_sockets(std::vector<std::string>& lines, const std::vector<SocketUse>& use) const {
    for (std::size_t group = 0; group < use.size(); ++group) {
        lines.push_back(fmt::format(
            "server-side sockets of {}: {} in use, {} free, {} rest", net::to_string(groups_[group]),
            use[group].all - use[group].free - use[group].resting, use[group].free, use[group].resting));
    }
}

}  // namespace session
