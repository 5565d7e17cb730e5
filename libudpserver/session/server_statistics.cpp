#include "libudpserver/session/server_statistics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "libudpserver/net/udp_socket.hpp"

namespace session {

std::uint64_t ServerStatistics::sum(Count Totals::*counter) const {
    // Including former workers: reloads may have changed their number.
    std::uint64_t all = 0;
    for (const Totals& totals : arena_.all_totals())
        all += (totals.*counter).get();
    return all;
}

std::string ServerStatistics::housekeeping() {
    const std::uint64_t created = sum(&Totals::created), closed = sum(&Totals::closed),
                        refused = sum(&Totals::refused);
    const std::uint64_t open = sum(&Totals::open), min_open = sum(&Totals::open_least),
                        max_open = sum(&Totals::open_most);
    const std::uint64_t starts = arena_.totals(0).starts.get();
    for (std::size_t worker = 0; worker < config_.udpserver.workers; ++worker) {
        Totals& totals = arena_.totals(worker);
        totals.open_most.set(totals.open.get());
        totals.open_least.set(totals.open.get());
    }
    auto& last = arena_.totals(0).reported;
    if (created == last.created.get() && closed == last.closed.get() && refused == last.refused.get())
        return {};
    std::string line = fmt::format(
        "sessions: {} open, {} to {} since the last line, {} created, {} closed, {} refused; {} starts of "
        "REG",
        open, min_open, max_open, created - last.created.get(), closed - last.closed.get(),
        refused - last.refused.get(), starts - last.starts.get());
    last.created.set(created);
    last.closed.set(closed);
    last.refused.set(refused);
    last.starts.set(starts);
    return line;
}

std::vector<std::string> ServerStatistics::info() const {
    std::vector<std::string> lines;
    add_traffic(lines);
    add_reasons(lines);
    return lines;
}

void ServerStatistics::add_traffic(std::vector<std::string>& lines) const {
    lines.push_back(
        fmt::format("sessions: {} open of {}, {} unanswered, {} unconfirmed, {} created, {} closed, {} "
                    "adopted, {} aborted",
                    sum(&Totals::open), config_.udpserver.max_sessions, sum(&Totals::unanswered),
                    sum(&Totals::unconfirmed), sum(&Totals::created), sum(&Totals::closed),
                    sum(&Totals::adopted), sum(&Totals::aborted)));
    lines.push_back(fmt::format("from clients: {} datagrams, {} bytes; to servers: {} datagrams, {} bytes",
                                sum(&Totals::client_datagrams), sum(&Totals::client_bytes),
                                sum(&Totals::to_server_datagrams), sum(&Totals::to_server_bytes)));
    lines.push_back(fmt::format("from servers: {} datagrams, {} bytes; to clients: {} datagrams, {} bytes",
                                sum(&Totals::server_datagrams), sum(&Totals::server_bytes),
                                sum(&Totals::to_client_datagrams), sum(&Totals::to_client_bytes)));
    lines.push_back(fmt::format(
        "dropped: {} refused, {} foreign, {} over a limit, {} over a rate, {} stray, {} by the proxy, {} "
        "buffer full, {} send errors to servers, {} to clients, {} icmp errors, {} truncated, {} bad source, "
        "{} by the kernel",
        sum(&Totals::refused), sum(&Totals::foreign), sum(&Totals::over_limit), sum(&Totals::over_rate),
        sum(&Totals::stray), sum(&Totals::dropped_by_proxy), sum(&Totals::send_full),
        sum(&Totals::send_errors), sum(&Totals::client_send_errors), sum(&Totals::icmp_errors),
        sum(&Totals::truncated), sum(&Totals::bad_source),
        sum(&Totals::kernel_drops) + dropped_at_listeners()));
    if (config_.udpserver.workers > 1)
        lines.push_back(fmt::format("between workers: {} datagrams handed over, {} dropped",
                                    sum(&Totals::handed_over), sum(&Totals::hand_over_dropped)));
}

std::vector<std::pair<std::string, std::uint64_t>> ServerStatistics::counters() const {
    struct Named {
        const char* name;
        Count Totals::*count;
    };
    static constexpr auto counts = std::to_array<Named>({
        {"open", &Totals::open},
        {"unanswered", &Totals::unanswered},
        {"unconfirmed", &Totals::unconfirmed},
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
        {"over_rate", &Totals::over_rate},
        {"stray", &Totals::stray},
        {"dropped_by_proxy", &Totals::dropped_by_proxy},
        {"buffer_full", &Totals::send_full},
        {"send_errors", &Totals::send_errors},
        {"client_send_errors", &Totals::client_send_errors},
        {"sources_renewed", &Totals::sources_renewed},
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
    add_refusals(result);
    result.emplace_back("dropped_by_kernel", sum(&Totals::kernel_drops) + dropped_at_listeners());
    return result;
}

/// `refused_no_socket`, for each reason that has occurred.
void ServerStatistics::add_refusals(std::vector<std::pair<std::string, std::uint64_t>>& result) const {
    for (std::size_t reason = 1; reason < static_cast<std::size_t>(CloseReason::count_); ++reason) {
        const std::uint64_t refused = refused_by(static_cast<CloseReason>(reason));
        if (refused == 0) continue;
        std::string name = "refused_" + std::string(to_string(static_cast<CloseReason>(reason)));
        std::ranges::replace(name, '-', '_');
        result.emplace_back(std::move(name), refused);
    }
}

std::uint64_t ServerStatistics::refused_by(CloseReason reason) const {
    std::uint64_t all = 0;
    for (const Totals& totals : arena_.all_totals())
        all += totals.refused_by[static_cast<std::size_t>(reason)].get();
    return all;
}

std::uint64_t ServerStatistics::dropped_at_listeners() const {
    std::uint64_t all = 0;
    for (const int listener : listeners_.descriptors())
        all += net::dropped(listener);
    return all;
}

void ServerStatistics::add_reasons(std::vector<std::string>& lines) const {
    for (std::size_t reason = 1; reason < static_cast<std::size_t>(CloseReason::count_); ++reason) {
        std::uint64_t closed = 0;
        for (const Totals& totals : arena_.all_totals())
            closed += totals.closed_by[reason].get();
        const std::uint64_t refused = refused_by(static_cast<CloseReason>(reason));
        if (closed + refused == 0) continue;
        lines.push_back(fmt::format("reason {}: {} sessions closed, {} datagrams refused",
                                    to_string(static_cast<CloseReason>(reason)), closed, refused));
    }
}

}  // namespace session
