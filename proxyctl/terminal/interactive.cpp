#include "proxyctl/terminal/interactive.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <optional>

#include "proxyctl/command_table.hpp"
#include "proxyctl/failure.hpp"
#include "proxyctl/human.hpp"
#include "proxyctl/run.hpp"
#include "proxyctl/terminal/completion.hpp"
#include "proxyctl/terminal/line_editor.hpp"
#include "proxyctl/terminal/screen.hpp"
#include "proxyctl/terminal/words.hpp"

namespace proxyctl {

namespace {

using Words = std::vector<std::string>;

/// A line from a pipe, a file or a dumb terminal.
std::optional<std::string> read_plain(const std::string& prompt) {
    std::fputs(prompt.c_str(), stdout);
    std::fflush(stdout);
    std::string line;
    for (int c; (c = std::getc(stdin)) != '\n';) {
        if (c == EOF && std::ferror(stdin) != 0 && errno == EINTR) {
            std::clearerr(stdin);  // Ctrl-C discards the line
            return "";
        }
        if (c == EOF) return line.empty() ? std::nullopt : std::optional(line);
        // One character more than max_line makes split_words() complain.
        if (line.size() <= max_line) line += static_cast<char>(c);
    }
    return line;
}

/// Runs lines. Remembers the selected instance.
class Shell {
public:
    /// `interrupt`: on a terminal, where Ctrl-C stops only the command.
    Shell(Settings settings, Signals* interrupt) : settings_(std::move(settings)), interrupt_(interrupt) {}

    [[nodiscard]] bool done() const { return done_; }

    /// Returns the exit status of the line.
    int run_line(const std::string& line) {
        return report([&] {
            try {
                return run(line);
            } catch (const Interrupted&) {
                print_error("interrupted");
                return 130;
            }
        });
    }

    [[nodiscard]] std::string prompt() const {
        const std::string& name =
            settings_.selection.name.empty() ? settings_.selection.socket : settings_.selection.name;
        return name.empty() ? "proxyctl> " : "proxyctl " + visible(name) + "> ";
    }

    [[nodiscard]] Words complete(const std::string& line) const {
        return proxyctl::complete(words_so_far(line), settings_, query_instance(settings_));
    }

private:
    int run(const std::string& line) {
        Words words = split_words(line);
        if (words.empty() || words.front().starts_with('#')) return exit_status::good;
        replace_question_mark(words);
        CommandLine parsed = parse_command_line(words, settings_);
        if (parsed.help) parsed.words = {"help"};
        if (parsed.version) parsed.words = {"version"};
        if (parsed.words.empty()) return keep(parsed.settings);
        if (command_named(parsed.words.front()).name == "quit") {
            done_ = true;
            return exit_status::good;
        }
        if (interrupt_ != nullptr) (void)interrupt_->take();  // a Ctrl-C before the command does not stop it
        return run_command(parsed.settings, parsed.words, interrupt_);
    }

    /// `?`, `? COMMAND` and `COMMAND ?` mean help.
    static void replace_question_mark(Words& words) {
        if (words.front() == "?") words.front() = "help";
        if (words.size() > 1 && words.back() == "?") words = {"help", words[words.size() - 2]};
    }

    /// A line without a command changes the settings of the following lines.
    int keep(const Settings& settings) {
        if (settings.selection.is_given() && !settings.selection.all)
            select(settings.selection, settings.places);
        settings_ = settings;
        return exit_status::good;
    }

    Settings settings_;
    Signals* interrupt_;
    bool done_ = false;
};

int run_editor(Shell& shell) {
    LineEditor editor(
        history_file(), [&](const std::string& line) { return shell.complete(line); },
        [](const std::string& line) { return context_help(words_so_far(line)); });
    while (!shell.done()) {
        const auto line = editor.read(shell.prompt());
        if (!line) {
            std::fputs("\n", stdout);
            break;
        }
        shell.run_line(*line);
    }
    return exit_status::good;
}

int run_plain(Shell& shell, Signals* interrupt) {
    const bool terminal = interrupt != nullptr;
    int worst = 0;
    while (!shell.done()) {
        const auto line = read_plain(terminal ? shell.prompt() : "");
        if (!line) break;
        if (terminal && !interrupt->take().empty()) std::fputs("\n", stdout);
        worst = std::max(worst, shell.run_line(*line));
    }
    return terminal ? exit_status::good : worst;
}

}  // namespace

int run_interactive(Settings settings) {
    // During the whole mode, so that a Ctrl-C just before or after a command does not end the program.
    std::optional<Signals> interrupt;
    if (::isatty(STDIN_FILENO) == 1) interrupt.emplace(std::vector<int>{SIGINT});
    Signals* const ctrl_c = interrupt ? &*interrupt : nullptr;
    Shell shell(std::move(settings), ctrl_c);
    return can_draw() ? run_editor(shell) : run_plain(shell, ctrl_c);
}

}  // namespace proxyctl
