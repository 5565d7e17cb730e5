#include "proxyctl/terminal/completion.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "proxyctl/answer.hpp"
#include "proxyctl/command_table.hpp"
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

/// The part of a line before the command.
struct Head {
    std::size_t command = 0;  ///< the index of the command's word
    Selection selection;
    bool value_expected = false;  ///< the last word is the value of a global option
};

Head head_of(const Words& words, const Settings& settings) {
    Head head;
    head.selection = settings.selection;
    const std::size_t last = words.size() - 1;
    std::size_t i = 0;
    for (; i < last && words[i].starts_with('-'); ++i) {
        if (words[i] == "--all") head.selection = {{}, {}, true};
        if (words[i] != "-s" && words[i] != "--socket" && words[i] != "--timeout") continue;
        if (++i == last) {
            head.value_expected = true;
            return head;
        }
        if (words[i - 1] != "--timeout") head.selection = {words[i], {}, false};
    }
    if (i < last && find_commands(words[i]).empty()) head.selection = {{}, words[i++], false};
    head.command = i;
    return head;
}

class Completer {
public:
    Completer(const Words& words, const Settings& settings, const FieldQuery& query)
        : words_(words), settings_(settings), query_(query), head_(head_of(words, settings)) {}

    Words candidates() const {
        if (head_.value_expected) return {};
        if (head_.command + 1 >= words_.size()) return command_or_instance();
        const std::vector<const Command*> found = find_commands(words_[head_.command]);
        return found.size() == 1 ? arguments_of(*found.front()) : Words{};
    }

private:
    Words command_or_instance() const {
        if (words_.back().starts_with('-'))
            return {"--socket", "--all", "--json", "--no-color", "--timeout", "--help", "--version"};
        Words words = command_words();
        if (head_.selection.name.empty()) {
            for (const Instance& instance : find_instances(settings_.places))
                words.push_back(instance.name);
        }
        return words;
    }

    Words arguments_of(const Command& command) const {
        const std::vector<Option> options = options_of(command);
        const std::string& before = words_[words_.size() - 2];
        for (const Option& option : options) {
            const bool is_before = before == "--" + std::string(option.name) ||
                                   (option.letter != '\0' && before == std::string("-") + option.letter);
            if (is_before && option.type != ArgumentType::flag) return values(option.type);
        }
        if (!words_.back().starts_with('-')) return values(command.operands.type);
        Words words;
        for (const Option& option : options)
            words.push_back("--" + std::string(option.name));
        words.emplace_back("--json");
        return words;
    }

    Words values(ArgumentType type) const {
        switch (type) {
            case ArgumentType::rule:
                return query_(head_.selection, "rules", "rule");
            case ArgumentType::session:
                return query_(head_.selection, "sessions", "id");
            case ArgumentType::kill:
                return concat({"REG", "ACR", "APR"}, query_(head_.selection, "sessions", "id"));
            case ArgumentType::role:
                return words_of(roles);
            case ArgumentType::key:
                return key_words();
            case ArgumentType::signal:
                return words_of(operand() == 0 ? std::span<const std::string_view>(signal_names) : roles);
            case ArgumentType::command:
                return command_words();
            case ArgumentType::log:
                return log_words();
            case ArgumentType::explain:
                return {"from", "to", "at", "dscp"};
            default:
                return {};
        }
    }

    [[nodiscard]] std::size_t operand() const { return words_.size() - head_.command - 2; }

    Words log_words() const {
        if (operand() == 0) return {"level", "reopen", "tail"};
        if (base::lower(words_[head_.command + 1]) != "level") return {};
        return concat(concat(words_of(roles), {"up", "down"}), words_of(log_levels));
    }

    const Words& words_;
    const Settings& settings_;
    const FieldQuery& query_;
    Head head_;
};

}  // namespace

Words complete(const Words& words, const Settings& settings, const FieldQuery& query) {
    if (words.empty()) return {};
    const std::string prefix = base::lower(words.back());
    Words candidates = Completer(words, settings, query).candidates();
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
    for (const std::string& word : words) {
        const auto [end, other] = std::mismatch(common.begin(), common.end(), word.begin(), word.end());
        common.erase(end, common.end());
    }
    return common;
}

Words context_help(const Words& words) {
    Words lines;
    const Head head = words.empty() ? Head{} : head_of(words, {});
    const std::string word = head.command < words.size() ? words[head.command] : "";
    const std::vector<const Command*> found = find_commands(word);
    if (found.size() == 1) {
        lines.push_back(usage_of(*found.front()));
        for (const Option& option : options_of(*found.front()))
            lines.push_back(help_line(option));
        return lines;
    }
    for (const Command& command : commands()) {
        if (word.empty() || command.name.starts_with(base::lower(word)))
            lines.push_back(std::string(command.name) + ": " + std::string(command.help));
    }
    return lines;
}

}  // namespace proxyctl
