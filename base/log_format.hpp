#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"

namespace base::log {

/// The longest line, head included, line end excluded (K-68: a documented larger limit instead of split
/// lines).
inline constexpr std::size_t max_line = 8192;

/// The writing process: the instance's name, the process's role (none before the first fork) and its pid.
struct Identity {
    std::string instance;
    std::string role;
    int pid = 0;
};

/// A line as its target receives it. The body comes from message_body or record_body.
struct Line {
    std::chrono::system_clock::time_point time;
    std::string_view id;
    std::string_view body;
};

/// The text and JSON forms of lines. Bodies are made by the thread that logs, lines by the one that writes.
class LineFormat {
public:
    LineFormat(LogFormat format, Identity identity);
    /// The bodies become those of packets (log_wire.hpp): another process makes the lines.
    static LineFormat for_relay(Identity identity);

    [[nodiscard]] std::string message_body(std::string_view text) const;
    [[nodiscard]] std::string record_body(const std::vector<Field>& fields) const;

    /// With time and line end.
    [[nodiscard]] std::string file_line(const Line& line) const;
    /// `<PRI>proxyd[PID]: …`, as the syslog daemon expects it from a local program; it adds the time.
    [[nodiscard]] std::string syslog_line(const Line& line, int facility) const;

    [[nodiscard]] const Identity& identity() const { return identity_; }

private:
    [[nodiscard]] std::string fields_with_limit(const std::vector<Field>& fields, std::size_t limit) const;
    [[nodiscard]] std::string json_object(const Line& line, const std::string& time) const;

    LogFormat format_;
    bool relayed_ = false;
    Identity identity_;
    std::string who_;         ///< text: `dns-gw[REG]`; JSON: the members that say the same
    std::size_t body_limit_;  ///< what the head leaves of max_line
};

/// The number of a facility as syslog.conf names it (`local4`, `daemon`), or -1.
int syslog_facility(std::string_view name);

}  // namespace base::log
