#pragma once

#include <string>

namespace base {

/// Kernun's levels (K-16): a message is written when its severity's level is at most the current one.
enum class LogLevel { error = 3, warning = 4, notice = 5, normal = 6, debug = 7, trace = 8, full = 9 };

enum class LogTarget { automatic, standard_error, syslog, file };
enum class LogFormat { text, json };
enum class SyslogFailure { ignore, file, stop };

/// The `log` section of the configuration.
struct LogSettings {
    LogTarget target = LogTarget::automatic;  ///< automatic: stderr in the foreground, syslog as a daemon
    std::string path;                         ///< for LogTarget::file, and for SyslogFailure::file
    LogLevel level = LogLevel::normal;
    LogFormat format = LogFormat::text;
    std::string facility = "local4";
    SyslogFailure on_syslog_failure = SyslogFailure::ignore;
    unsigned dump_limit = 256;  ///< bytes of a datagram shown at level 9
    bool names = false;         ///< statistics records name the client's host
};

}  // namespace base
