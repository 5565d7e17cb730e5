#include "proxyd/status_text.hpp"

#include <fmt/chrono.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "base/text.hpp"
#include "libudpserver/control/row.hpp"

namespace proxyd {

namespace {

constexpr std::size_t columns = 8;
constexpr std::array<std::string_view, columns> titles{
    "id", "rule", "client", "server", "client_bytes", "to_client_bytes", "since", "since_epoch"};
/// Column widths for people; most values fit.
constexpr std::array<int, columns> widths{-10, -16, -22, -22, 13, 15, -21, -1};

std::string utc(std::time_t seconds) {
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(seconds));
}

/// The type of the line, then the values. No value contains a comma or a tab.
template <typename Values>
std::string separated(std::string_view word, const Values& values, char separator) {
    std::string line(word);
    for (const std::string_view value : values)
        line.append(1, separator).append(value);
    return line + '\n';
}

template <typename Values>
std::string aligned(const Values& values) {
    std::string line;
    for (std::size_t i = 0; i < columns; ++i)
        line += widths[i] < 0 ? fmt::format("{:<{}} ", values[i], -widths[i])
                              : fmt::format("{:>{}} ", values[i], widths[i]);
    return line.erase(line.find_last_not_of(' ') + 1) + '\n';
}

}  // namespace

std::string StatusText::head(WallTime now) const {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
    const std::string every = base::format_duration(config_.status_file.every);
    switch (format_) {
        case conf::StatusFormat::json:
            return control::Row()
                       .add("name", config_.name)
                       .add("pid", ::getpid())
                       .add("written", utc(seconds))
                       .add("written_epoch", seconds)
                       .add("every_ms", config_.status_file.every)
                       .text() +
                   '\n';
        case conf::StatusFormat::text:
            return fmt::format("{}: REG {}, sessions at {} ({}), every {}\n", config_.name, ::getpid(),
                               utc(seconds), seconds, every) +
                   aligned(titles);
        default:
            break;
    }
    const char separator = format_ == conf::StatusFormat::csv ? ',' : '\t';
    const std::array<std::string, 5> about{config_.name, std::to_string(::getpid()), utc(seconds),
                                           std::to_string(seconds), every};
    return separated("TIME", about, separator) + separated("HEADER", titles, separator);
}

std::string StatusText::session(const session::Found& found, session::Instant now, WallTime wall) const {
    const session::Record& record = found.record;
    const std::time_t since = std::chrono::system_clock::to_time_t(wall - (now - record.created));
    const std::array<std::string, columns> values{
        fmt::format("{}.{}", found.slot, record.generation),
        record.rule < config_.session_acl.size() ? config_.session_acl[record.rule].name : "",
        base::to_string(record.client),
        base::to_string(record.server),
        std::to_string(record.counters.client_bytes),
        std::to_string(record.counters.to_client_bytes),
        utc(since),
        std::to_string(since)};
    switch (format_) {
        case conf::StatusFormat::text:
            return aligned(values);
        case conf::StatusFormat::csv:
            return separated("SESSION", values, ',');
        case conf::StatusFormat::tab:
            return separated("SESSION", values, '\t');
        default:
            break;
    }
    control::Row row;
    for (std::size_t i = 0; i < columns; ++i)
        if (i != 4 && i != 5 && i != 7) row.add(titles[i], values[i]);
    row.add(titles[4], record.counters.client_bytes).add(titles[5], record.counters.to_client_bytes);
    return row.add(titles[7], since).text() + '\n';
}

std::string StatusText::end(std::size_t sessions) const {
    switch (format_) {
        case conf::StatusFormat::json:
            return "{\"end\":true,\"sessions\":" + std::to_string(sessions) + "}\n";
        case conf::StatusFormat::text:
            return fmt::format("END, {} sessions\n", sessions);
        case conf::StatusFormat::tab:
            return fmt::format("END\t{}\n", sessions);
        default:
            return fmt::format("END,{}\n", sessions);
    }
}

}  // namespace proxyd
