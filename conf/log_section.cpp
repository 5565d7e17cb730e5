#include "conf/section.hpp"
#include "conf/sections.hpp"
#include "conf/words.hpp"

namespace conf {
namespace {

using base::LogSettings;
using base::LogTarget;
using base::SyslogFailure;

constexpr std::uint64_t max_dump_bytes = 65507;

ValueType<std::string> facility() {
    std::vector<std::pair<std::string, std::string>> names{{"daemon", "daemon"}, {"user", "user"}};
    for (char digit = '0'; digit <= '7'; ++digit) {
        const std::string name = std::string("local") + digit;
        names.emplace_back(name, name);
    }
    return choice<std::string>(std::move(names), "facility");
}

void read_target(const NodeRef& ref, LogSettings& log) {
    const std::string expected = "stderr, syslog, automatic or an absolute path";
    const std::string* text = ref.scalar(expected);
    if (!text) return;
    if (*text == "stderr") {
        log.target = LogTarget::standard_error;
    } else if (*text == "syslog") {
        log.target = LogTarget::syslog;
    } else if (*text == "automatic") {
        log.target = LogTarget::automatic;
    } else if (is_absolute_path(*text)) {
        log.target = LogTarget::file;
        log.path = *text;
    } else {
        ref.refuse("unknown log target " + quote(*text), expected, *text, {"stderr", "syslog", "automatic"});
    }
}

void read_syslog_failure(const NodeRef& ref, LogSettings& log) {
    const std::string expected = "ignore, stop or an absolute path";
    const std::string* text = ref.scalar(expected);
    if (!text) return;
    if (*text == "ignore") {
        log.on_syslog_failure = SyslogFailure::ignore;
    } else if (*text == "stop") {
        log.on_syslog_failure = SyslogFailure::stop;
    } else if (!is_absolute_path(*text)) {
        ref.refuse("invalid value " + quote(*text), expected, *text, {"ignore", "stop"});
    } else if (log.target == LogTarget::file) {
        ref.refuse("the log already goes to a file", "ignore or stop");
    } else {
        log.on_syslog_failure = SyslogFailure::file;
        log.path = *text;
    }
}

}  // namespace

void read_log(const NodeRef& ref, LogSettings& log) {
    Section section(ref, "to");
    if (const auto target = section.child("to")) read_target(*target, log);
    section.optional(
        "level", log.level,
        choice(log_levels(), "level", "error, warning, notice, normal, debug, trace, full or 3 to 9"));
    section.optional("format", log.format, choice(log_formats(), "format"));
    section.optional("facility", log.facility, facility());
    if (const auto failure = section.child("syslog-failure")) read_syslog_failure(*failure, log);
    section.optional("names", log.names, boolean());
    std::uint64_t dump = log.dump_limit;
    section.optional("dump-limit", dump, size(max_dump_bytes));
    log.dump_limit = static_cast<unsigned>(dump);
    section.finish();
}

}  // namespace conf
