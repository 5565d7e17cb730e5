#include "proxyctl/run.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "proxyctl/command_table.hpp"
#include "proxyctl/failure.hpp"
#include "proxyctl/human.hpp"

namespace proxyctl {

namespace {

const std::string& value_after(const std::vector<std::string>& words, std::size_t& next) {
    if (next + 1 >= words.size()) fail(exit_status::misused, "option {} requires a value", words[next]);
    return words[++next];
}

base::Duration timeout_of(const std::string& text) {
    const auto timeout = base::parse_duration(text);
    if (!timeout || *timeout == base::Duration::zero()) {
        fail(exit_status::misused, "--timeout '{}': expected a duration, for example 500ms or 30s", text);
    }
    return *timeout;
}

bool take_flag(CommandLine& line, const std::string& word) {
    const std::pair<std::string_view, bool*> flags[] = {
        {"--json", &line.settings.json}, {"--all", &line.settings.selection.all},
        {"--help", &line.help},          {"-h", &line.help},
        {"--version", &line.version},    {"-V", &line.version},
    };
    for (const auto& [name, flag] : flags) {
        if (name == word) return *flag = true;
    }
    if (word != "--no-color") return false;
    line.settings.color = false;
    return true;
}

void take_option(CommandLine& line, const std::vector<std::string>& words, std::size_t& next) {
    const std::string& word = words[next];
    if (take_flag(line, word)) return;
    if (word == "-s" || word == "--socket") {
        line.settings.selection.socket = value_after(words, next);
    } else if (word == "--timeout") {
        line.settings.timeout = timeout_of(value_after(words, next));
        line.settings.timeout_given = true;
    } else {
        fail(exit_status::misused, "unknown option {}; see proxyctl --help", base::printable(word));
    }
}

bool is_instance(const std::string& word, const Settings& settings) {
    const std::vector<Instance> instances = find_instances(settings.places);
    return std::any_of(instances.begin(), instances.end(), [&](const Instance& i) { return i.name == word; });
}

/// An instance may have the name of a command; the next word decides.
bool names_instance(const std::vector<std::string>& words, std::size_t next, const Settings& settings) {
    const bool command_follows = next + 1 < words.size() && find_commands(words[next + 1]).size() == 1;
    const std::vector<const Command*> commands = find_commands(words[next]);
    if (commands.empty()) return command_follows || is_instance(words[next], settings);
    const bool exact = commands.front()->name == base::lower(words[next]);
    return (!exact || command_follows) && is_instance(words[next], settings);
}

void check_selection(const Selection& selection) {
    const int given = (selection.socket.empty() ? 0 : 1) + (selection.name.empty() ? 0 : 1) + selection.all;
    if (given > 1) fail(exit_status::misused, "-s SOCKET, NAME and --all exclude each other");
}

/// `start gw` for `gw start`.
Settings with_instance(const Settings& settings, const std::string& name) {
    Settings chosen = settings;
    const bool is_other = settings.selection.is_given() && settings.selection.name != name;
    if (is_other || !is_instance(name, settings))
        fail(exit_status::misused, "unexpected argument '{}'{}", base::printable(name),
             is_other ? ": an instance is selected already"
                      : ": no such instance; `proxyctl show-app` lists them");
    chosen.selection = {{}, name, false};
    return chosen;
}

int run_for(Context context, const Command& command, const Arguments& arguments, const Instance& instance) {
    context.instance = &instance;
    return command.run(context, arguments);
}

/// A failure does not stop the remaining instances.
int run_in_turn(Context& context, const Command& command, const Arguments& arguments,
                const std::vector<Instance>& instances) {
    int worst = 0;
    for (const Instance& instance : instances) {
        context.out.set_instance(instance.name);
        if (!context.out.json()) context.out.line(visible(instance.name) + ":", Tone::title);
        try {
            worst = std::max(worst, run_for(context, command, arguments, instance));
        } catch (const Failure& failure) {
            print_error(instance.name + ": " + failure.what());
            worst = std::max(worst, failure.status);
        }
    }
    return worst;
}

int run_for_instances(Context& context, const Command& command, const Arguments& arguments) {
    const Settings& settings = context.settings;
    std::vector<Instance> instances;
    if (command.scope == Scope::selected ||
        (command.scope == Scope::optional && settings.selection.is_given())) {
        instances = select(settings.selection, settings.places);
    } else if (command.scope == Scope::optional) {
        instances = find_instances(settings.places);
        if (instances.size() > 1) instances.clear();
    }
    if (instances.empty()) return command.run(context, arguments);
    return instances.size() == 1 ? run_for(context, command, arguments, instances.front())
                                 : run_in_turn(context, command, arguments, instances);
}

}  // namespace

CommandLine parse_command_line(const std::vector<std::string>& words, Settings settings) {
    CommandLine line;
    const Selection selected_before = std::exchange(settings.selection, {});
    line.settings = std::move(settings);
    std::size_t next = 0;
    for (; next < words.size() && words[next].starts_with('-'); ++next) {
        if (words[next] == "--complete") {
            line.complete = true;
            line.settings.selection = selected_before;
            line.words.assign(words.begin() + static_cast<std::ptrdiff_t>(next) + 1, words.end());
            return line;
        }
        take_option(line, words, next);
    }
    if (next < words.size() && names_instance(words, next, line.settings)) {
        line.settings.selection.name = words[next++];
        for (; next < words.size() && words[next].starts_with('-'); ++next)
            take_option(line, words, next);
    }
    check_selection(line.settings.selection);
    if (!line.settings.selection.is_given()) line.settings.selection = selected_before;
    line.words.assign(words.begin() + static_cast<std::ptrdiff_t>(next), words.end());
    return line;
}

std::string usage() {
    return "usage: proxyctl [-s SOCKET | NAME | --all] [--json] [--no-color] [--timeout TIME] [COMMAND "
           "[ARGS]]\n"
           "  NAME            an instance (default: the only one)\n"
           "  -s SOCKET       the path of an instance's control socket\n"
           "  --all           all instances in turn; exits with the worst status\n"
           "  --json          one JSON object per line, as received\n"
           "  --no-color      no colours on a terminal\n"
           "  --timeout TIME  how long to wait for an answer (10s)\n"
           "  -h, -V          print this text; print the version\n"
           "Without COMMAND, proxyctl is interactive. `proxyctl help` lists the commands.\n";
}

int run_command(const Settings& settings, const std::vector<std::string>& words, Signals* interrupt) {
    check_limits(words);
    const Command& command = command_named(words.front());
    const Arguments arguments(command, {words.begin() + 1, words.end()});
    const auto name = arguments.instance();
    const Settings chosen = name ? with_instance(settings, *name) : settings;
    Output out(chosen.json || arguments.json(), chosen.color);
    Context context{chosen, out, nullptr, interrupt};
    const int status = run_for_instances(context, command, arguments);
    if (!out.flush()) fail(exit_status::failed, "cannot write the output");
    return status;
}

int report(const std::function<int()>& function) {
    try {
        return function();
    } catch (const Failure& failure) {
        print_error(failure.what());
        return failure.status;
    } catch (const std::exception& error) {
        print_error(error.what());
        return exit_status::failed;
    }
}

}  // namespace proxyctl
