#include "proxyctl/interactive.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "proxyctl/command_table.hpp"
#include "proxyctl/completion.hpp"
#include "proxyctl/failure.hpp"
#include "proxyctl/human.hpp"
#include "proxyctl/line_editor.hpp"
#include "proxyctl/options.hpp"
#include "proxyctl/run.hpp"
#include "proxyctl/signals.hpp"
#include "proxyctl/words.hpp"

namespace proxyctl {

namespace {

using Words = std::vector<std::string>;

bool can_edit() {
    const char* terminal = std::getenv("TERM");
    return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1 && terminal != nullptr &&
           *terminal != '\0' && std::string_view(terminal) != "dumb";
}

/// Lines from a pipe, a file, or a terminal that cannot move its cursor.
std::optional<std::string> read_plain(const std::string& prompt) {
    std::fputs(prompt.c_str(), stdout);
    std::fflush(stdout);
    std::string line;
    for (int c; (c = std::getc(stdin)) != '\n';) {
        if (c == EOF && std::ferror(stdin) != 0 && errno == EINTR) {
            std::clearerr(stdin);  // Ctrl-C: the line is forgotten
            return "";
        }
        if (c == EOF) return line.empty() ? std::nullopt : std::optional(line);
        // One character too many is enough to be told of.
        if (line.size() <= longest_command_line) line += static_cast<char>(c);
    }
    return line;
}

class Conversation {
public:
    /// `interrupt`: Ctrl-C, which ends a command only; without it, in a script, it ends the program.
    Conversation(Settings settings, Signals* interrupt)
        : settings_(std::move(settings)), interrupt_(interrupt) {}

    [[nodiscard]] bool done() const { return done_; }

    /// Runs a line and returns its exit status.
    int take_line(const std::string& line) {
        return report([&] {
            try {
                return run(line);
            } catch (const Interrupted&) {
                remark("interrupted");
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
        return proxyctl::complete(words_so_far(line), settings_, ask_instance(settings_));
    }

private:
    int run(const std::string& line) {
        Words words = split_words(line);
        if (words.empty() || words.front().starts_with('#')) return exit_status::good;
        question_mark(words);
        Options options = parse_options(words, for_line());
        const bool chosen = options.settings.selection.is_given();
        if (options.help) options.words = {"help"};
        if (options.version) options.words = {"version"};
        if (!chosen) options.settings.selection = settings_.selection;
        if (options.words.empty()) return choose(options.settings);
        if (&command_named(options.words.front()) == &command_named("quit")) {
            done_ = true;
            return exit_status::good;
        }
        if (interrupt_ != nullptr)
            (void)interrupt_->take();  // what came before this command is not meant for it
        return run_command(options.settings, options.words, interrupt_);
    }

    [[nodiscard]] Settings for_line() const {
        Settings settings = settings_;
        settings.selection = {};
        return settings;
    }

    /// `?`, `? COMMAND` and `COMMAND ?` ask for help.
    static void question_mark(Words& words) {
        if (words.front() == "?") words.front() = "help";
        if (words.size() > 1 && words.back() == "?") words = {"help", words[words.size() - 2]};
    }

    int choose(const Settings& settings) {
        if (settings.selection.is_given() && !settings.selection.all)
            select(settings.selection, settings.places);
        settings_ = settings;
        return exit_status::good;
    }

    Settings settings_;
    Signals* interrupt_;
    bool done_ = false;
};

int talk(Conversation& conversation) {
    LineEditor editor(
        history_file(), [&](const std::string& line) { return conversation.complete(line); },
        [](const std::string& line) { return context_help(words_so_far(line)); });
    while (!conversation.done()) {
        const auto line = editor.read(conversation.prompt());
        if (!line) {
            std::fputs("\n", stdout);
            break;
        }
        conversation.take_line(*line);
    }
    return exit_status::good;
}

int read_script(Conversation& conversation, Signals* interrupt) {
    const bool terminal = interrupt != nullptr;
    int worst = 0;
    while (!conversation.done()) {
        const auto line = read_plain(terminal ? conversation.prompt() : "");
        if (!line) break;
        if (terminal && !interrupt->take().empty()) std::fputs("\n", stdout);
        worst = std::max(worst, conversation.take_line(*line));
    }
    return terminal ? exit_status::good : worst;
}

}  // namespace

int run_interactive(Settings settings) {
    // For as long as the conversation: a Ctrl-C just before a command begins or after it has ended harms
    // nobody.
    std::optional<Signals> interrupt;
    if (::isatty(STDIN_FILENO) == 1) interrupt.emplace(std::vector<int>{SIGINT});
    Signals* const ctrl_c = interrupt ? &*interrupt : nullptr;
    Conversation conversation(std::move(settings), ctrl_c);
    return can_edit() ? talk(conversation) : read_script(conversation, ctrl_c);
}

}  // namespace proxyctl
