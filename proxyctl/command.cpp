#include "proxyctl/command.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include "base/endpoint.hpp"
#include "base/text.hpp"
#include "conf/unit_hint.hpp"
#include "proxyctl/failure.hpp"

namespace proxyctl {

namespace {

const Option json_option{"json", "", ArgumentType::flag, "one JSON object per line, as received"};

/// As the server accepts: ten years.
constexpr base::Duration max_duration = std::chrono::hours(3650 * 24);

[[noreturn]] void fail_usage(const Command& command, const std::string& text) {
    fail(exit_status::misused, "{}: {}; usage: {}", command.name, text, usage_of(command));
}

[[noreturn]] void fail_unexpected(const Command& command, const std::string& word) {
    fail_usage(command, "unexpected argument '" + base::printable(word) + "'");
}

/// The words of `explain`, and the request arguments for their values.
const std::map<std::string, std::string, std::less<>> question_words{
    {"from", "client"}, {"to", "local"}, {"at", "time"}, {"dscp", "dscp"}};

void check_host(const std::string& text) {
    if (base::parse_endpoint(text) || base::parse_address(text)) return;
    fail(exit_status::misused, "explain: '{}' is not an address, nor an address with a port",
         base::printable(text));
}

std::int64_t dscp_of(const std::string& text) {
    constexpr std::int64_t max_dscp = 63;
    const auto number = whole_number(text);
    if (number && *number <= max_dscp) return *number;
    fail(exit_status::misused, "explain: dscp '{}' is not a number from 0 to 63", base::printable(text));
}

bool is_option(const std::string& word) {
    return word.size() > 1 && word.front() == '-';
}

/// The option of this name, otherwise the only one that begins so.
Option option_named(const Command& command, const std::string& written) {
    std::vector<Option> options = options_of(command);
    options.push_back(json_option);
    std::vector<std::string> names;
    const Option* match = nullptr;
    for (const Option& option : options) {
        if (option.name == written) return option;
        if (!option.name.starts_with(written) || written.empty()) continue;
        match = &option;
        names.push_back("--" + std::string(option.name));
    }
    if (names.size() == 1) return *match;
    if (names.empty()) {
        std::vector<std::string> all;
        for (const Option& option : options)
            all.emplace_back(option.name);
        const auto near = base::nearest(written, all);
        fail_usage(command, "unknown option --" + base::printable(written) +
                                (near ? "; did you mean --" + *near + "?" : ""));
    }
    fail_usage(command, "ambiguous option --" + written + " (" + base::joined(names) + ")");
}

Option option_with_letter(const Command& command, char letter) {
    for (const Option& option : command.options) {
        if (option.letter == letter) return option;
    }
    fail_usage(command, "unknown option -" + base::printable(std::string(1, letter)));
}

void check_value(const Command& command, const Option& option, const std::string& value) {
    const std::string name = "--" + std::string(option.name) + " '" + base::printable(value) + "': ";
    if (option.type == ArgumentType::number && !whole_number(value)) {
        fail_usage(command, name + "expected a whole number");
    }
    if (option.type == ArgumentType::duration) {
        const auto duration = base::parse_duration(value);
        const auto accepts = [](const std::string& text) { return base::parse_duration(text).has_value(); };
        if (!duration)
            fail_usage(command, name + "expected a duration, for example 500ms, 30s, 5m, 1h or 1d" +
                                    conf::unit_hint(value, conf::duration_words(), accepts));
        if (*duration > max_duration) fail_usage(command, name + "the maximum is 3650d");
    }
    if (value.empty()) fail_usage(command, name + "empty value");
}

}  // namespace

void check_limits(const std::vector<std::string>& words) {
    if (words.size() > max_arguments) {
        fail(exit_status::misused, "too many arguments: {} (maximum {})", words.size(), max_arguments);
    }
    for (const std::string& word : words) {
        if (word.size() <= max_argument) continue;
        fail(exit_status::misused, "argument too long: {} characters (maximum {}): {}...", word.size(),
             max_argument, word.substr(0, 20));
    }
}

std::optional<std::int64_t> whole_number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
    return value;
}

std::optional<std::string> role_of(std::string_view word) {
    for (const std::string_view role : roles)
        if (base::lower(role) == base::lower(word)) return std::string(role);
    return std::nullopt;
}

std::optional<std::string> signal_of(std::string_view word) {
    std::string name = base::upper(word);
    if (name.starts_with("SIG")) name.erase(0, 3);
    if (name == "PWR") name = "INFO";
    return std::ranges::count(signal_names, name) > 0 ? std::optional(name) : std::nullopt;
}

std::optional<std::int64_t> level_of(std::string_view word) {
    constexpr std::int64_t min_level = 3, max_level = 9;
    const auto named = std::ranges::find(log_levels, base::lower(word));
    if (named != std::end(log_levels)) return min_level + (named - std::begin(log_levels));
    const auto number = whole_number(word);
    return number && *number >= min_level && *number <= max_level ? number : std::nullopt;
}

bool is_session_id(std::string_view word) {
    const std::size_t dot = word.find('.');
    return dot != std::string_view::npos && whole_number(word.substr(0, dot)) &&
           whole_number(word.substr(dot + 1));
}

std::vector<Option> options_of(const Command& command) {
    std::vector<Option> options;
    if (command.has_filters) options.assign(std::begin(session_filters), std::end(session_filters));
    options.insert(options.end(), command.options.begin(), command.options.end());
    return options;
}

std::string usage_of(const Command& command) {
    std::string text(command.name);
    if (!command.operands.text.empty()) text += " " + std::string(command.operands.text);
    if (command.has_filters) text += " [FILTER ...]";
    for (const Option& option : command.options) {
        text +=
            option.letter != '\0' ? std::string(" [-") + option.letter : " [--" + std::string(option.name);
        if (!option.value.empty()) text += " " + std::string(option.value);
        text += "]";
    }
    return text;
}

std::string help_line(const Option& option) {
    std::string text = "  --" + std::string(option.name);
    if (option.letter != '\0') text += std::string(", -") + option.letter;
    if (!option.value.empty()) text += " " + std::string(option.value);
    if (text.size() < 24) text.append(24 - text.size(), ' ');
    return text + " " + std::string(option.help);
}

control::Args filter_args(const Arguments& arguments) {
    control::Args args;
    for (const Option& filter : session_filters) {
        const std::string name(filter.name);
        if (!arguments.has(name)) continue;
        if (filter.type == ArgumentType::duration) {
            args[name + "_ms"] = std::int64_t{arguments.duration(name)->count()};
        } else {
            args[name] = *arguments.text(name);
        }
    }
    return args;
}

control::Args explain_args(const std::vector<std::string>& words) {
    control::Args args;
    std::string* value = nullptr;
    for (const std::string& word : words) {
        if (const auto key = question_words.find(base::lower(word)); key != question_words.end()) {
            const auto [entry, is_new] = args.emplace(key->second, std::string());
            if (!is_new) fail(exit_status::misused, "explain: '{}' is given twice", key->first);
            value = &std::get<std::string>(entry->second);
        } else if (value == nullptr) {
            fail(exit_status::misused, "explain: unknown word '{}' (expected from, to, at or dscp)",
                 base::printable(word));
        } else {
            *value += (value->empty() ? "" : " ") + word;
        }
    }
    for (const auto& [key, name] : question_words) {
        const auto entry = args.find(name);
        if (entry == args.end() && (key == "from" || key == "to"))
            fail(exit_status::misused, "explain: '{}' is missing; usage: explain from CLIENT to LISTENER ...",
                 key);
        if (entry != args.end() && std::get<std::string>(entry->second).empty())
            fail(exit_status::misused, "explain: no value after '{}'", key);
    }
    for (const char* host : {"client", "local"})
        check_host(std::get<std::string>(args.at(host)));
    if (const auto dscp = args.find("dscp"); dscp != args.end())
        dscp->second = dscp_of(std::get<std::string>(dscp->second));
    return args;
}

Arguments::Arguments(const Command& command, const std::vector<std::string>& words) : command_(command) {
    check_limits(words);
    bool options = true;
    for (std::size_t next = 0; next < words.size();) {
        const std::string& word = words[next++];
        if (options && word == "--") {
            options = false;
        } else if (options && is_option(word)) {
            take_option(word, words, next);
        } else {
            operands_.push_back(word);
        }
    }
    if (operands_.size() < command.operands.min) fail_usage(command, "missing argument");
    const std::size_t max = command.operands.max + (command.takes_instance() ? 1 : 0);
    if (operands_.size() > max) fail_unexpected(command, operands_[max]);
}

std::optional<std::string> Arguments::instance() const {
    return command_.takes_instance() && !operands_.empty() ? std::optional(operands_.front()) : std::nullopt;
}

void Arguments::take_option(const std::string& word, const std::vector<std::string>& words,
                            std::size_t& next) {
    const bool is_long = word.starts_with("--");
    const std::size_t equals = is_long ? word.find('=') : std::string::npos;
    const Option option = is_long ? option_named(command_, base::lower(word.substr(2, equals - 2)))
                                  : option_with_letter(command_, word[1]);
    std::string value;
    if (option.type == ArgumentType::flag) {
        if (equals != std::string::npos || (!is_long && word.size() > 2)) {
            fail_usage(command_, "--" + std::string(option.name) + " takes no value");
        }
    } else if (equals != std::string::npos) {
        value = word.substr(equals + 1);
    } else if (!is_long && word.size() > 2) {
        value = word.substr(2);
    } else if (next < words.size()) {
        value = words[next++];
    } else {
        fail_usage(command_, "--" + std::string(option.name) + " requires a value");
    }
    set(option, value);
}

void Arguments::set(const Option& option, const std::string& value) {
    if (option.name == json_option.name) {
        json_ = true;
        return;
    }
    if (option.type != ArgumentType::flag) check_value(command_, option, value);
    if (has(option.name)) fail_usage(command_, "--" + std::string(option.name) + " is given twice");
    values_.emplace_back(option.name, value);
}

const std::string* Arguments::find(std::string_view option) const {
    const auto found =
        std::find_if(values_.begin(), values_.end(), [&](const auto& v) { return v.first == option; });
    return found == values_.end() ? nullptr : &found->second;
}

std::optional<std::string> Arguments::text(std::string_view option) const {
    const std::string* value = find(option);
    return value != nullptr ? std::optional(*value) : std::nullopt;
}

std::optional<std::int64_t> Arguments::number(std::string_view option) const {
    const std::string* value = find(option);
    return value != nullptr ? whole_number(*value) : std::nullopt;
}

std::optional<base::Duration> Arguments::duration(std::string_view option) const {
    const std::string* value = find(option);
    return value != nullptr ? base::parse_duration(*value) : std::nullopt;
}

std::optional<base::Duration> Arguments::interval() const {
    const auto interval = duration("interval");
    if (interval && *interval < min_interval)
        fail(exit_status::misused, "{}: --interval must be at least {}", command_.name,
             base::format_duration(min_interval));
    return interval;
}

}  // namespace proxyctl
