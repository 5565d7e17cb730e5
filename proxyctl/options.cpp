#include "proxyctl/options.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "proxyctl/command_table.hpp"
#include "proxyctl/failure.hpp"
#include "proxyctl/words.hpp"

namespace proxyctl {

namespace {

const std::string& value_after(const std::vector<std::string>& words, std::size_t& next) {
    if (next + 1 >= words.size()) fail(exit_status::misused, "option {} needs a value", words[next]);
    return words[++next];
}

base::Duration timeout_of(const std::string& text) {
    const auto timeout = base::parse_duration(text);
    if (!timeout || *timeout == base::Duration::zero()) {
        fail(exit_status::misused, "--timeout '{}': a duration such as 500ms or 30s is expected", text);
    }
    return *timeout;
}

bool take_flag(Options& options, const std::string& word) {
    const std::pair<std::string_view, bool*> flags[] = {
        {"--json", &options.settings.json}, {"--all", &options.settings.selection.all},
        {"--help", &options.help},          {"-h", &options.help},
        {"--version", &options.version},    {"-V", &options.version},
    };
    for (const auto& [name, flag] : flags) {
        if (name == word) return *flag = true;
    }
    if (word != "--no-color") return false;
    options.settings.color = false;
    return true;
}

void take_option(Options& options, const std::vector<std::string>& words, std::size_t& next) {
    const std::string& word = words[next];
    if (take_flag(options, word)) return;
    if (word == "-s" || word == "--socket") {
        options.settings.selection.socket = value_after(words, next);
    } else if (word == "--timeout") {
        options.settings.timeout = timeout_of(value_after(words, next));
        options.settings.timeout_given = true;
    } else {
        fail(exit_status::misused, "unknown option {}; see proxyctl --help", base::printable(word));
    }
}

bool is_instance(const std::string& word, const Settings& settings) {
    const std::vector<Instance> instances = find_instances(settings.places);
    return std::any_of(instances.begin(), instances.end(), [&](const Instance& i) { return i.name == word; });
}

// An instance may have the name of a command: then what follows decides.
bool names_instance(const std::vector<std::string>& words, std::size_t next, const Settings& settings) {
    const bool command_follows = next + 1 < words.size() && find_commands(words[next + 1]).size() == 1;
    const std::vector<const Command*> commands = find_commands(words[next]);
    if (commands.empty()) return command_follows || is_instance(words[next], settings);
    const bool exact = commands.front()->name == lower(words[next]);
    return (!exact || command_follows) && is_instance(words[next], settings);
}

void check_choice(const Selection& selection) {
    const int given = (selection.socket.empty() ? 0 : 1) + (selection.name.empty() ? 0 : 1) + selection.all;
    if (given > 1) fail(exit_status::misused, "one of -s SOCKET, NAME and --all is enough");
}

}  // namespace

Options parse_options(const std::vector<std::string>& words, Settings settings) {
    Options options;
    options.settings = std::move(settings);
    std::size_t next = 0;
    for (; next < words.size() && words[next].starts_with('-'); ++next) {
        if (words[next] == "--complete") {
            options.complete = true;
            options.words.assign(words.begin() + static_cast<std::ptrdiff_t>(next) + 1, words.end());
            return options;
        }
        take_option(options, words, next);
    }
    if (next < words.size() && names_instance(words, next, options.settings)) {
        options.settings.selection.name = words[next++];
        for (; next < words.size() && words[next].starts_with('-'); ++next)
            take_option(options, words, next);
    }
    check_choice(options.settings.selection);
    options.words.assign(words.begin() + static_cast<std::ptrdiff_t>(next), words.end());
    return options;
}

std::string usage() {
    return "usage: proxyctl [-s SOCKET | NAME | --all] [--json] [--no-color] [--timeout TIME] [COMMAND "
           "[ARGS]]\n"
           "  NAME            the instance; not needed when there is only one\n"
           "  -s SOCKET       the control socket of an instance, by its path\n"
           "  --all           every instance in turn; the worst exit status counts\n"
           "  --json          one JSON object a line, as it was received\n"
           "  --no-color      no colours on a terminal\n"
           "  --timeout TIME  how long to wait for an answer (10s)\n"
           "  -h, -V          this text; the version\n"
           "Without COMMAND it is interactive. `proxyctl help` lists the commands.\n";
}

}  // namespace proxyctl
