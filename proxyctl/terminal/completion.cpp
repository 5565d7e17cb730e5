#include "proxyctl/terminal/completion.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "proxyctl/answer.hpp"
#include "proxyctl/command_table.hpp"
#include "proxyctl/run.hpp"
#include "proxyctl/views/list_view.hpp"

namespace proxyctl {

namespace {

using Words = std::vector<std::string>;

constexpr base::Duration answer_timeout = std::chrono::milliseconds(500);
constexpr std::size_t max_words = 200;

template <typename Range>
Words words_of(const Range& range) {
    return Words(std::begin(range), std::end(range));
}

Words concat(Words words, const Words& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
}

Words key_words() {
    Words words;
    for (const Column& column : session_columns())
        words.push_back(column.name);
    return concat(std::move(words),
                  {"local", "type", "worker", "client_datagrams", "server_datagrams", "answered"});
}

Words command_words() {
    Words words;
    for (const Command& command : commands())
        words.emplace_back(command.name);
    return words;
}

/// The command line before the last word; nothing if that is the value of a global option, or the line is
/// invalid.
std::optional<CommandLine> line_before_last(const Words& words, const Settings& settings) {
    try {
        CommandLine line = parse_command_line({words.begin(), words.end() - 1}, settings);
        if (line.words.size() == 1 && find_commands(line.words.front()).empty()) {
            line.settings.selection = {{}, line.words.front(), false};
            line.words.clear();
        }
        return line;
    } catch (const Failure&) {
        return std::nullopt;
    }
}

/// The candidates for the last word, regardless of what it begins with.
class Candidates {
public:
    Candidates(const CommandLine& before, const std::string& last, const FieldQuery& query)
        : before_(before), is_option_(last.starts_with('-')), query_(query) {}

    [[nodiscard]] Words find() const {
        if (before_.words.empty()) return is_option_ ? global_options() : commands_and_instances();
        const std::vector<const Command*> found = find_commands(before_.words.front());
        return found.size() == 1 ? arguments_of(*found.front()) : Words{};
    }

private:
    static Words global_options() {
        return {"--socket", "--all", "--json", "--no-color", "--timeout", "--help", "--version"};
    }

    [[nodiscard]] Words commands_and_instances() const {
        Words words = command_words();
        if (!before_.settings.selection.name.empty()) return words;
        return concat(std::move(words), instances());
    }

    [[nodiscard]] Words instances() const {
        Words names;
        for (const Instance& instance : find_instances(before_.settings.places))
            names.push_back(instance.name);
        return names;
    }

    [[nodiscard]] Words arguments_of(const Command& command) const {
        Words names;
        for (const Option& option : options_of(command)) {
            names.push_back("--" + std::string(option.name));
            const std::string& word = before_.words.back();
            const bool is_before =
                word == names.back() || (option.letter != '\0' && word == std::string("-") + option.letter);
            if (is_before && option.type != ArgumentType::flag) return values_of(option.type);
        }
        if (is_option_) return concat(std::move(names), {"--json"});
        const bool has_instance = before_.settings.selection.is_given() || before_.words.size() > 1;
        return command.takes_instance() && !has_instance ? instances() : values_of(command.operands.type);
    }

    [[nodiscard]] Words values_of(ArgumentType type) const {
        const bool is_first = before_.words.size() == 1;
        switch (type) {
            case ArgumentType::rule:
                return query("rules", "rule");
            case ArgumentType::session:
                return query("sessions", "id");
            case ArgumentType::kill:
                return concat({"REG", "ACR", "APR"}, query("sessions", "id"));
            case ArgumentType::role:
                return words_of(roles);
            case ArgumentType::key:
                return key_words();
            case ArgumentType::signal:
                return is_first ? words_of(signal_names) : words_of(roles);
            case ArgumentType::command:
                return command_words();
            case ArgumentType::log:
                if (is_first) return {"level", "reopen", "tail"};
                if (base::lower(before_.words[1]) != "level") return {};
                return concat(concat(words_of(roles), {"up", "down"}), words_of(log_levels));
            case ArgumentType::explain:
                return {"from", "to", "at", "dscp"};
            default:
                return {};
        }
    }

    [[nodiscard]] Words query(const char* command, const char* field) const {
        return query_(before_.settings.selection, command, field);
    }

    const CommandLine& before_;
    bool is_option_;
    const FieldQuery& query_;
};

}  // namespace

Words complete(const Words& words, const Settings& settings, const FieldQuery& query) {
    if (words.empty()) return {};
    const auto before = line_before_last(words, settings);
    if (!before) return {};
    const std::string prefix = base::lower(words.back());
    Words candidates = Candidates(*before, words.back(), query).find();
    std::erase_if(candidates,
                  [&](const std::string& word) { return !base::lower(word).starts_with(prefix); });
    return candidates;
}

FieldQuery query_instance(const Settings& settings) {
    return [&settings](const Selection& selection, const std::string& command, const std::string& field) {
        Words words;
        try {
            const std::vector<Instance> instances = select(selection, settings.places);
            Connection connection(instances.front().socket, {answer_timeout, nullptr});
            for (const Row& row : ask_first(connection, {answer_timeout, nullptr}, {command, {}}, max_words))
                words.push_back(row.text(field));
        } catch (const Failure&) {
            words.clear();  // an error message would disturb the line
        }
        return words;
    };
}

std::string common_prefix(const Words& words) {
    if (words.empty()) return {};
    std::string common = words.front();
    for (const std::string& word : words)
        common.erase(std::ranges::mismatch(common, word).in1, common.end());
    return common;
}

Words context_help(const Words& words) {
    const auto before = line_before_last(words, {});
    if (!before) return {};
    const std::string& word = before->words.empty() ? words.back() : before->words.front();
    const std::vector<const Command*> found = find_commands(word);
    Words lines;
    if (found.size() == 1) {
        lines.push_back(usage_of(*found.front()));
        for (const Option& option : options_of(*found.front()))
            lines.push_back(help_line(option));
        return lines;
    }
    for (const Command& command : commands()) {
        if (command.name.starts_with(base::lower(word)))
            lines.push_back(std::string(command.name) + ": " + std::string(command.help));
    }
    return lines;
}

}  // namespace proxyctl
