#include "conf/section.hpp"
#include "conf/sections.hpp"
#include "conf/words.hpp"

namespace conf {
namespace {

using base::LogSettings;
using base::LogTarget;
using base::SyslogFailure;

constexpr std::uint64_t longest_dump = 65507;

Expect<std::string> facility() {
    std::vector<std::pair<std::string, std::string>> names{{"daemon", "daemon"}, {"user", "user"}};
    for (char digit = '0'; digit <= '7'; ++digit) {
        const std::string name = std::string("local") + digit;
        names.emplace_back(name, name);
    }
    return choice<std::string>(std::move(names));
}

void read_target(const Place& place, LogSettings& log) {
    const std::string what = "stderr, syslog, automatic or an absolute path";
    const std::string* text = place.scalar(what);
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
        place.refuse(shown(*text) + " is no log target", what, *text, {"stderr", "syslog", "automatic"});
    }
}

void read_syslog_failure(const Place& place, LogSettings& log) {
    const std::string what = "ignore, stop or an absolute path";
    const std::string* text = place.scalar(what);
    if (!text) return;
    if (*text == "ignore") {
        log.on_syslog_failure = SyslogFailure::ignore;
    } else if (*text == "stop") {
        log.on_syslog_failure = SyslogFailure::stop;
    } else if (!is_absolute_path(*text)) {
        place.refuse(shown(*text) + " does not fit", what, *text, {"ignore", "stop"});
    } else if (log.target == LogTarget::file) {
        place.refuse("the log goes to a file already", "a path only when the log goes to syslog");
    } else {
        log.on_syslog_failure = SyslogFailure::file;
        log.path = *text;
    }
}

}  // namespace

void read_log(const Place& place, LogSettings& log) {
    Section section(place);
    if (const auto target = section.child("to")) read_target(*target, log);
    section.optional("level", log.level,
                     choice(log_levels(), "error, warning, notice, normal, debug, trace, full or 3 to 9"));
    section.optional("format", log.format, choice(log_formats()));
    section.optional("facility", log.facility, facility());
    if (const auto failure = section.child("syslog-failure")) read_syslog_failure(*failure, log);
    section.optional("names", log.names, boolean());
    std::uint64_t dump = log.dump_limit;
    section.optional("dump-limit", dump, size(longest_dump));
    log.dump_limit = static_cast<unsigned>(dump);
    section.finish();
}

}  // namespace conf
