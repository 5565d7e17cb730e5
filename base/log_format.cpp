#include "base/log_format.hpp"

#include <algorithm>
#include <array>
#include <ctime>

#include "base/log_escape.hpp"
#include "base/log_wire.hpp"
#include "base/text.hpp"

namespace base::log {
namespace {

// Room for the time or priority, pid, id and the punctuation of both forms.
constexpr std::size_t head_room = 160;

std::string utc_time(std::chrono::system_clock::time_point time) {
    using namespace std::chrono;
    const auto since = time.time_since_epoch();
    const auto whole = floor<seconds>(since);
    const std::time_t seconds_since = whole.count();
    std::tm broken{};
    ::gmtime_r(&seconds_since, &broken);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", broken.tm_year + 1900, broken.tm_mon + 1,
                       broken.tm_mday, broken.tm_hour, broken.tm_min, broken.tm_sec,
                       duration_cast<milliseconds>(since - whole).count());
}

// The grammar of JSON's numbers. Anything else is written as a string, so that the line is valid JSON.
bool is_json_number(std::string_view text) {
    const auto digits = [&text] {
        const auto end = std::min(text.find_first_not_of("0123456789"), text.size());
        text.remove_prefix(end);
        return end;
    };
    if (text.starts_with('-')) text.remove_prefix(1);
    const bool zero = text.starts_with('0');
    const auto whole = digits();
    if (whole == 0 || (zero && whole > 1)) return false;
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        if (digits() == 0) return false;
    }
    if (text.starts_with('e') || text.starts_with('E')) {
        text.remove_prefix(text.size() > 1 && (text[1] == '-' || text[1] == '+') ? 2 : 1);
        if (digits() == 0) return false;
    }
    return text.empty();
}

// A bare value ends at the next blank, so it must not contain blanks or quotes.
bool is_bare_word(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return c > 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '=';
    });
}

std::string json_member(const Field& field, std::size_t limit) {
    const bool number = !field.quoted && is_json_number(field.value);
    return json_string(lower(field.key), limit) + ':' +
           (number ? field.value : json_string(field.value, limit));
}

std::string text_pair(const Field& field, std::size_t limit) {
    const bool bare = !field.quoted && is_bare_word(field.value) && field.value.size() <= limit;
    const auto value = bare ? field.value : '"' + escape(field.value, limit, Escaping::quoted) + '"';
    return std::string(field.key) + '=' + value;
}

std::string who_text(const Identity& identity, LogFormat format) {
    const auto instance = escape(identity.instance, 256, Escaping::control);
    if (format == LogFormat::text)
        return identity.role.empty() ? instance : instance + '[' + identity.role + ']';
    return "\"name\":" + json_string(identity.instance, 256) + ",\"role\":" + json_string(identity.role, 32) +
           ",\"pid\":" + std::to_string(identity.pid);
}

// C E W N I K D as the severities of syslog(3), LOG_CRIT to LOG_DEBUG.
int syslog_severity(std::string_view id) {
    switch (id.back()) {
        case 'C':
            return 2;
        case 'E':
            return 3;
        case 'W':
            return 4;
        case 'N':
            return 5;
        case 'D':
            return 7;
        default:
            return 6;
    }
}

}  // namespace

LineFormat::LineFormat(LogFormat format, Identity identity)
    : format_(format),
      identity_(std::move(identity)),
      who_(who_text(identity_, format)),
      body_limit_(max_line - head_room - who_.size()) {}

LineFormat LineFormat::for_relay(Identity identity) {
    LineFormat format(LogFormat::text, std::move(identity));
    format.relayed_ = true;
    return format;
}

std::string LineFormat::message_body(std::string_view text) const {
    if (relayed_) return wire_message(text);
    if (format_ == LogFormat::json) return "\"message\":" + json_string(text, body_limit_);
    return escape(text, body_limit_, Escaping::control);
}

std::string LineFormat::fields_with_limit(const std::vector<Field>& fields, std::size_t limit) const {
    std::string out;
    for (const auto& field : fields) {
        if (!out.empty()) out += format_ == LogFormat::json ? ',' : ' ';
        out += format_ == LogFormat::json ? json_member(field, limit) : text_pair(field, limit);
    }
    return out;
}

std::string LineFormat::record_body(const std::vector<Field>& fields) const {
    if (relayed_) return wire_record(fields);
    // A record that is too long keeps all its keys; its longest values are cut until it fits.
    std::size_t limit = body_limit_;
    auto body = fields_with_limit(fields, limit);
    while (body.size() > body_limit_ && limit > 8) {
        limit /= 2;
        body = fields_with_limit(fields, limit);
    }
    return body;
}

std::string LineFormat::json_object(const Line& line, const std::string& time) const {
    return fmt::format("{{{}{},\"id\":\"{}\"{}{}}}", time, who_, line.id, line.body.empty() ? "" : ",",
                       line.body);
}

std::string LineFormat::file_line(const Line& line) const {
    const auto time = utc_time(line.time);
    if (format_ == LogFormat::json) return json_object(line, "\"time\":\"" + time + "\",") + '\n';
    return fmt::format("{} {} {} {} {}\n", time, who_, identity_.pid, line.id, line.body);
}

std::string LineFormat::syslog_line(const Line& line, int facility) const {
    const auto text = format_ == LogFormat::json ? json_object(line, "")
                                                 : fmt::format("{} {} {}", who_, line.id, line.body);
    return fmt::format("<{}>proxyd[{}]: {}", facility * 8 + syslog_severity(line.id), identity_.pid, text);
}

int syslog_facility(std::string_view name) {
    static constexpr std::array<std::string_view, 24> names{
        "kern",   "user",   "mail",     "daemon", "auth",   "syslog", "lpr",    "news",
        "uucp",   "cron",   "authpriv", "ftp",    "ntp",    "audit",  "alert",  "clock",
        "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7"};
    const auto* found = std::find(names.begin(), names.end(), name);
    return found == names.end() ? -1 : static_cast<int>(found - names.begin());
}

}  // namespace base::log
