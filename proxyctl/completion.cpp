#include "proxyctl/completion.hpp"

#include <algorithm>

#include "proxyctl/answer.hpp"
#include "proxyctl/arguments.hpp"
#include "proxyctl/command_table.hpp"
#include "proxyctl/failure.hpp"
#include "proxyctl/sessions_view.hpp"
#include "proxyctl/words.hpp"

namespace proxyctl {

namespace {

using Words = std::vector<std::string>;

constexpr base::Duration patience = std::chrono::milliseconds(500);
constexpr std::size_t most_words = 200;

Words role_words() {
    return {"REG", "ACR", "APR", "parent", "all"};
}

Words key_words() {
    Words words;
    for (const Column& column : usual_session_columns())
        words.push_back(column.name);
    for (const char* more : {"local", "type", "worker", "client_datagrams", "server_datagrams", "answered"})
        words.emplace_back(more);
    return words;
}

Words command_words() {
    Words words;
    for (const Command& command : commands())
        words.emplace_back(command.name);
    return words;
}

/// Where in a line the command stands, and what was chosen before it.
struct Head {
    std::size_t command = 0;  ///< index; the number of words when there is none yet
    Selection selection;
    bool value_expected = false;  ///< the last word is the value of an option
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
    Completer(const Words& words, const Settings& settings, const AskWords& ask_words)
        : words_(words), settings_(settings), ask_words_(ask_words), head_(head_of(words, settings)) {}

    Words candidates() const {
        if (head_.value_expected) return {};
        if (head_.command + 1 >= words_.size()) return beginning();
        const std::vector<const Command*> found = find_commands(words_[head_.command]);
        return found.size() == 1 ? arguments_of(*found.front()) : Words{};
    }

private:
    Words beginning() const {
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
            if (is_before && option.kind != Kind::flag) return values(option.kind);
        }
        if (!words_.back().starts_with('-')) return values(command.operands.kind);
        Words words;
        for (const Option& option : options)
            words.push_back("--" + std::string(option.name));
        words.emplace_back("--json");
        return words;
    }

    Words values(Kind kind) const {
        switch (kind) {
            case Kind::rule:
                return ask_words_(head_.selection, "rules", "rule");
            case Kind::session:
                return ask_words_(head_.selection, "sessions", "id");
            case Kind::kill:
                return kill_words();
            case Kind::role:
                return role_words();
            case Kind::key:
                return key_words();
            case Kind::signal:
                return signal_words();
            case Kind::command:
                return command_words();
            case Kind::log:
                return log_words();
            case Kind::explain:
                return {"from", "to", "at", "dscp"};
            default:
                return {};
        }
    }

    Words kill_words() const {
        Words words = {"REG", "ACR", "APR"};
        for (std::string& id : ask_words_(head_.selection, "sessions", "id"))
            words.push_back(std::move(id));
        return words;
    }

    [[nodiscard]] std::size_t operand() const { return words_.size() - head_.command - 2; }

    Words signal_words() const {
        return operand() == 0 ? Words{"USR1", "USR2", "WINCH", "INFO", "HUP", "TERM", "INT", "QUIT"}
                              : role_words();
    }

    Words log_words() const {
        if (operand() == 0) return {"level", "reopen", "tail"};
        if (lower(words_[head_.command + 1]) != "level") return {};
        Words words = role_words();
        for (const char* level :
             {"up", "down", "error", "warning", "notice", "normal", "debug", "trace", "full"})
            words.emplace_back(level);
        return words;
    }

    const Words& words_;
    const Settings& settings_;
    const AskWords& ask_words_;
    Head head_;
};

}  // namespace

Words complete(const Words& words, const Settings& settings, const AskWords& ask_words) {
    if (words.empty()) return {};
    const std::string begin = lower(words.back());
    Words matching;
    for (std::string& candidate : Completer(words, settings, ask_words).candidates()) {
        if (lower(candidate).starts_with(begin)) matching.push_back(std::move(candidate));
    }
    return matching;
}

AskWords ask_instance(const Settings& settings) {
    return [&settings](const Selection& selection, const std::string& command, const std::string& field) {
        Words words;
        try {
            const std::vector<Instance> instances = select(selection, settings.places);
            Connection connection(instances.front().socket, {patience, nullptr});
            for (const Row& row : ask_first(connection, {patience, nullptr}, {command, {}}, most_words))
                words.push_back(row.text(field));
        } catch (const Failure&) {
            words.clear();  // nobody wants to read about it in the middle of a line
        }
        return words;
    };
}

std::string common_beginning(const Words& candidates) {
    if (candidates.empty()) return {};
    std::string common = candidates.front();
    for (const std::string& candidate : candidates) {
        const auto [end, other] =
            std::mismatch(common.begin(), common.end(), candidate.begin(), candidate.end());
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
        for (const Option& option : options_of(*found.front())) {
            const std::string value = option.value.empty() ? "" : " " + std::string(option.value);
            lines.push_back("  --" + std::string(option.name) + value + ": " + std::string(option.help));
        }
        return lines;
    }
    for (const Command& command : commands()) {
        if (word.empty() || command.name.starts_with(lower(word)))
            lines.push_back(std::string(command.name) + ": " + std::string(command.help));
    }
    return lines;
}

}  // namespace proxyctl
