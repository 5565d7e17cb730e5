#include "proxyctl/arguments.hpp"

#include <algorithm>
#include <charconv>

#include "base/text.hpp"
#include "proxyctl/failure.hpp"
#include "proxyctl/session_filter.hpp"
#include "proxyctl/words.hpp"

namespace proxyctl {

namespace {

const Option json_option{"json", "", Kind::flag, "one JSON object a line, as it was received"};

/// The server takes ten years.
constexpr base::Duration longest_duration = std::chrono::hours(3650 * 24);

[[noreturn]] void misused(const Command& command, const std::string& text) {
    fail(exit_status::misused, "{}: {}; usage: {}", command.name, text, usage_of(command));
}

bool is_option(const std::string& word) {
    return word.size() > 1 && word.front() == '-';
}

// The option itself, or the only one that begins so.
Option option_named(const Command& command, const std::string& written) {
    std::vector<Option> options = options_of(command);
    options.push_back(json_option);
    std::vector<Option> matching;
    for (const Option& option : options) {
        if (option.name == written) return option;
        if (option.name.starts_with(written) && !written.empty()) matching.push_back(option);
    }
    if (matching.size() == 1) return matching.front();
    if (matching.empty()) misused(command, "there is no option --" + base::printable(written));
    std::string names;
    for (const Option& option : matching)
        names += (names.empty() ? "--" : ", --") + std::string(option.name);
    misused(command, "--" + written + " may be " + names);
}

Option option_with_letter(const Command& command, char letter) {
    for (const Option& option : options_of(command)) {
        if (option.letter == letter) return option;
    }
    misused(command, std::string("there is no option -") + base::printable(std::string(1, letter)));
}

void check_value(const Command& command, const Option& option, const std::string& value) {
    const std::string name = "--" + std::string(option.name) + " '" + base::printable(value) + "': ";
    if (option.kind == Kind::number && !whole_number(value)) {
        misused(command, name + "a whole number is expected");
    }
    if (option.kind == Kind::duration) {
        const auto duration = base::parse_duration(value);
        if (!duration) misused(command, name + "a duration such as 500ms, 30s, 5m, 1h or 1d is expected");
        if (*duration > longest_duration) misused(command, name + "at most 3650d");
    }
    if (value.empty()) misused(command, name + "it is empty");
}

}  // namespace

std::optional<std::int64_t> whole_number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
    return value;
}

std::vector<Option> options_of(const Command& command) {
    std::vector<Option> options;
    if (command.options.filters) {
        const std::span<const Option> filters = session_filters();
        options.assign(filters.begin(), filters.end());
    }
    options.insert(options.end(), command.options.own.begin(), command.options.own.end());
    return options;
}

std::string usage_of(const Command& command) {
    std::string text(command.name);
    if (!command.operands.text.empty()) text += " " + std::string(command.operands.text);
    if (command.options.filters) text += " [FILTER ...]";
    for (const Option& option : command.options.own) {
        text +=
            option.letter != '\0' ? std::string(" [-") + option.letter : " [--" + std::string(option.name);
        if (!option.value.empty()) text += " " + std::string(option.value);
        text += "]";
    }
    return text;
}

Arguments::Arguments(const Command& command, const std::vector<std::string>& words) : command_(command) {
    check_bounds(words);
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
    if (operands_.size() < command.operands.least) misused(command, "something is missing");
    if (operands_.size() > command.operands.most) {
        misused(command, "'" + base::printable(operands_[command.operands.most]) + "' is too much");
    }
}

void Arguments::take_option(const std::string& word, const std::vector<std::string>& words,
                            std::size_t& next) {
    const bool is_long = word.starts_with("--");
    const std::size_t equals = is_long ? word.find('=') : std::string::npos;
    const Option option = is_long ? option_named(command_, lower(word.substr(2, equals - 2)))
                                  : option_with_letter(command_, word[1]);
    std::string value;
    if (option.kind == Kind::flag) {
        if (equals != std::string::npos || (!is_long && word.size() > 2)) {
            misused(command_, "--" + std::string(option.name) + " takes no value");
        }
    } else if (equals != std::string::npos) {
        value = word.substr(equals + 1);
    } else if (!is_long && word.size() > 2) {
        value = word.substr(2);
    } else if (next < words.size()) {
        value = words[next++];
    } else {
        misused(command_, "--" + std::string(option.name) + " needs a value");
    }
    set(option, value);
}

void Arguments::set(const Option& option, const std::string& value) {
    if (option.name == json_option.name) {
        json_ = true;
        return;
    }
    if (option.kind != Kind::flag) check_value(command_, option, value);
    if (has(option.name)) misused(command_, "--" + std::string(option.name) + " is given twice");
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

}  // namespace proxyctl
