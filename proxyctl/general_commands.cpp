#include "proxyctl/general_commands.hpp"

#include <fstream>

#include "conf/load.hpp"
#include "proxyctl/answer.hpp"
#include "proxyctl/command_table.hpp"
#include "proxyctl/failure.hpp"
#include "proxyctl/human.hpp"
#include "proxyctl/instance_state.hpp"
#include "proxyctl/program.hpp"

namespace proxyctl {

const Option config_options[1] = {
    {"effective", "", Kind::flag, "as it takes effect, with every default, not as it is written"}};

namespace {

void show_text_line(Context& context, const std::string& text) {
    if (context.out.json()) {
        context.out.row_line(Row({{"text", Value::of(text)}}));
    } else {
        context.out.line(visible(text));
    }
}

int show_effective(Context& context) {
    const Instance& instance = *context.instance;
    if (is_running(context)) {
        ask(context, "config", {}, [&](const Row& row) {
            context.out.json() ? context.out.row_line(row) : context.out.line(visible(row.text("text")));
        });
        return exit_status::good;
    }
    if (!instance.has_file()) fail(exit_status::not_running, "{}: it does not run", instance.name);
    if (instance.mistakes > 0) {
        fail(exit_status::failed, "{}: the configuration has {} mistakes; `proxyd -n -f {}` shows them",
             instance.name, instance.mistakes, instance.config.file);
    }
    const std::string text = conf::print(instance.config);
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        show_text_line(context, text.substr(at, end - at));
        at = end + 1;
    }
    return exit_status::good;
}

int show_file(Context& context) {
    std::string file = context.instance->config.file;
    if (file.empty()) file = ask_one(context, "version").text("config");
    std::ifstream in(file);
    if (!in) fail(exit_status::failed, "{}: cannot read it", file);
    for (std::string line; std::getline(in, line);)
        show_text_line(context, line);
    return exit_status::good;
}

Row help_row(const Command& command) {
    return Row({{"command", Value::of(std::string(command.name))},
                {"usage", Value::of(usage_of(command))},
                {"help", Value::of(std::string(command.help))},
                {"group", Value::of(std::string(title_of(command.group)))},
                {"access", Value::of(std::string(word_for(command.access)))}});
}

void show_options(Context& context, const Command& command) {
    std::vector<Option> options = options_of(command);
    if (options.empty()) return;
    context.out.line("");
    for (const Option& option : options) {
        std::string text = "  --" + std::string(option.name);
        if (option.letter != '\0') text += std::string(", -") + option.letter;
        if (!option.value.empty()) text += " " + std::string(option.value);
        if (text.size() < 24) text.append(24 - text.size(), ' ');
        context.out.line(text + " " + std::string(option.help));
    }
}

void show_help_of(Context& context, const Command& command) {
    if (context.out.json()) return context.out.row_line(help_row(command));
    context.out.line(usage_of(command), Tone::title);
    context.out.line("  " + std::string(command.help) + " (" + std::string(word_for(command.access)) + ")");
    show_options(context, command);
}

void show_list(Context& context) {
    const Group* group = nullptr;
    for (const Command& command : commands()) {
        if (group == nullptr || *group != command.group) {
            if (group != nullptr) context.out.line("");
            context.out.line(title_of(command.group), Tone::title);
        }
        group = &command.group;
        std::string text = "  " + std::string(command.name);
        text.append(14 - std::min<std::size_t>(text.size(), 13), ' ');
        context.out.line(text + std::string(command.help));
    }
    context.out.line("");
    context.out.line(
        "`help COMMAND` tells more. Commands may be shortened as long as they are not ambiguous.");
}

}  // namespace

int run_config(Context& context, const Arguments& arguments) {
    return arguments.has("effective") ? show_effective(context) : show_file(context);
}

int run_version(Context& context, const Arguments&) {
    if (!context.out.json()) context.out.line("proxyctl " PROXYD_VERSION);
    if (context.instance != nullptr && is_running(context)) {
        show_fields(context, {ask_one(context, "version")});
    } else if (context.out.json()) {
        context.out.row_line(Row({{"name", Value::of("proxyctl")}, {"version", Value::of(PROXYD_VERSION)}}));
    }
    return exit_status::good;
}

int run_help(Context& context, const Arguments& arguments) {
    if (!arguments.operands().empty()) {
        show_help_of(context, command_named(arguments.operands().front()));
        return exit_status::good;
    }
    if (!context.out.json()) {
        show_list(context);
        return exit_status::good;
    }
    for (const Command& command : commands())
        context.out.row_line(help_row(command));
    return exit_status::good;
}

int run_man(Context& context, const Arguments&) {
    context.out.flush();
    return run_program({"man", "proxyctl"}, context.endless());
}

int run_quit(Context&, const Arguments&) {
    return exit_status::good;
}

}  // namespace proxyctl
