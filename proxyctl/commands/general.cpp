#include <fstream>
#include <sstream>

#include "conf/load.hpp"
#include "proxyctl/answer.hpp"
#include "proxyctl/command_table.hpp"
#include "proxyctl/program.hpp"

/// Commands about the configuration, the program itself and its manual.
namespace proxyctl {

namespace {

void show_text(Context& context, std::istream& text) {
    for (std::string line; std::getline(text, line);)
        show_line(context, Row({{"text", line}}), line);
}

int show_effective(Context& context) {
    const Instance& instance = *context.instance;
    if (is_running(context)) {
        ask(context, "config", {}, [&](const Row& row) { show_line(context, row, row.text("text")); });
        return exit_status::good;
    }
    if (!instance.has_file()) fail(exit_status::not_running, "{}: not running", instance.name);
    if (!instance.problem.empty()) fail(exit_status::failed, "{}: {}", instance.name, instance.problem);
    std::istringstream text(conf::print(instance.config));
    show_text(context, text);
    return exit_status::good;
}

int run_config(Context& context, const Arguments& arguments) {
    if (arguments.has("effective")) return show_effective(context);
    const std::string& file = context.instance->config.file;
    // A reply must not choose which file is read.
    if (file.empty())
        fail(exit_status::not_running, "{}: no configuration in {}; --effective prints what runs",
             context.instance->name, context.settings.places.conf_dir);
    std::ifstream text(file);
    if (!text) fail(exit_status::failed, "cannot read {}", file);
    show_text(context, text);
    return exit_status::good;
}

int run_version(Context& context, const Arguments&) {
    if (!context.out.json()) context.out.line("proxyctl " PROXYD_VERSION);
    if (context.instance != nullptr && is_running(context)) {
        show_fields(context, ask_one(context, "version"));
    } else if (context.out.json()) {
        context.out.row_line(Row({{"name", "proxyctl"}, {"version", PROXYD_VERSION}}));
    }
    return exit_status::good;
}

Row help_row(const Command& command) {
    return Row({{"command", command.name},
                {"usage", usage_of(command)},
                {"help", command.help},
                {"group", title_of(command.group)},
                {"access", word_for(command.access)}});
}

void show_help_of(Context& context, const Command& command) {
    if (context.out.json()) return context.out.row_line(help_row(command));
    context.out.line(usage_of(command), Tone::title);
    context.out.line("  " + std::string(command.help) + " (" + std::string(word_for(command.access)) + ")");
    const std::vector<Option> options = options_of(command);
    if (!options.empty()) context.out.line("");
    for (const Option& option : options)
        context.out.line(help_line(option));
}

void show_list(Context& context) {
    const Command* before = nullptr;
    for (const Command& command : commands()) {
        if (context.out.json()) {
            context.out.row_line(help_row(command));
            continue;
        }
        if (before == nullptr || before->group != command.group) {
            if (before != nullptr) context.out.line("");
            context.out.line(title_of(command.group), Tone::title);
        }
        before = &command;
        std::string text = "  " + std::string(command.name);
        text.append(14 - std::min<std::size_t>(text.size(), 13), ' ');
        context.out.line(text + std::string(command.help));
    }
    if (context.out.json()) return;
    context.out.line("");
    context.out.line(
        "`help COMMAND` describes a command. Commands can be abbreviated if that is unambiguous.");
}

int run_help(Context& context, const Arguments& arguments) {
    arguments.operands().empty() ? show_list(context)
                                 : show_help_of(context, command_named(arguments.operands().front()));
    return exit_status::good;
}

int run_man(Context& context, const Arguments&) {
    context.out.flush();
    return run_program({"man", "proxyctl"}, context.no_timeout());
}

/// The interactive mode looks for this command itself.
int run_quit(Context&, const Arguments&) {
    return exit_status::good;
}

}  // namespace

std::span<const Command> general_commands() {
    using namespace row_words;
    static constexpr Option config_options[] = {
        {"effective", "", ArgumentType::flag, "with every default, as it takes effect"}};
    // clang-format off
    static constexpr Command rows[] = {
        {"config", general, read, selected, {}, config_options, run_config,
         "Print the configuration."},
        {"version", general, read, optional, {}, {}, run_version,
         "Print the versions of proxyctl and of the instance."},
        {"help", general, local, none, {"[COMMAND]", 0, 1, ArgumentType::command}, {}, run_help,
         "List the commands, or describe one."},
        {"man", general, local, none, {}, {}, run_man,
         "Show the manual page."},
        {"quit", general, local, none, {}, {}, run_quit,
         "Leave the interactive mode."},
    };
    // clang-format on
    return rows;
}

}  // namespace proxyctl
