#include "proxyctl/terminal/line_editor.hpp"

#include <fcntl.h>
#include <histedit.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "base/unique_fd.hpp"
#include "proxyctl/terminal/completion.hpp"
#include "proxyctl/terminal/words.hpp"

namespace proxyctl {

struct LineEditor::State {
    std::string file;
    Words complete, help;
    std::string prompt;
    EditLine* line = nullptr;
    History* history = nullptr;
};

namespace {

constexpr int max_history = 1000;
constexpr std::size_t max_shown = 200;

LineEditor::State& state_of(EditLine* line) {
    void* data = nullptr;
    el_get(line, EL_CLIENTDATA, &data);
    return *static_cast<LineEditor::State*>(data);
}

std::string before_cursor(EditLine* line) {
    const LineInfo* info = el_line(line);
    return {info->buffer, static_cast<std::size_t>(info->cursor - info->buffer)};
}

/// The editor then draws the prompt and the line again below.
void show(const std::vector<std::string>& lines) {
    std::fputs("\n", stdout);
    for (std::size_t i = 0; i < lines.size() && i < max_shown; ++i)
        std::fprintf(stdout, "%s\n", lines[i].c_str());
    if (lines.size() > max_shown) std::fputs("...\n", stdout);
    std::fflush(stdout);
}

/// Replaces the word at the cursor, because its case may differ.
unsigned char insert(EditLine* line, const std::string& word, const std::string& completed) {
    if (completed.size() < word.size() || completed == word) return CC_NORM;
    if (!word.empty()) el_deletestr(line, static_cast<int>(word.size()));
    return el_insertstr(line, completed.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
}

unsigned char on_tab(EditLine* line, wint_t) {
    const LineEditor::State& state = state_of(line);
    const std::string text = before_cursor(line);
    const std::vector<std::string> candidates = state.complete(text);
    if (candidates.empty()) return CC_REFRESH_BEEP;
    const std::string word = words_so_far(text).back();
    if (candidates.size() == 1) return insert(line, word, candidates.front() + " ");
    const std::string common = common_prefix(candidates);
    if (common.size() > word.size()) return insert(line, word, common);
    show(candidates);
    return CC_REDISPLAY;
}

unsigned char on_question_mark(EditLine* line, wint_t) {
    show(state_of(line).help(before_cursor(line)));
    return CC_REDISPLAY;
}

unsigned char on_interrupt(EditLine* line, wint_t) {
    const LineInfo* info = el_line(line);
    const auto length = static_cast<int>(info->lastchar - info->buffer);
    el_cursor(line, static_cast<int>(info->lastchar - info->cursor));
    if (length > 0) el_deletestr(line, length);
    std::fputs("^C\n", stdout);
    std::fflush(stdout);
    return CC_REDISPLAY;
}

char* prompt_of(EditLine* line) {
    return state_of(line).prompt.data();
}

/// At the prompt Ctrl-C is a key. A SIGINT from another program is blocked: libedit would restore the
/// terminal's mode and continue to read.
class SigintBlocked {
public:
    SigintBlocked() {
        sigset_t interrupt;
        sigemptyset(&interrupt);
        sigaddset(&interrupt, SIGINT);
        ::sigprocmask(SIG_BLOCK, &interrupt, &before_);
    }
    ~SigintBlocked() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
    SigintBlocked(const SigintBlocked&) = delete;
    SigintBlocked& operator=(const SigintBlocked&) = delete;

private:
    sigset_t before_{};
};

void set_up(LineEditor::State& state) {
    EditLine* line = state.line;
    el_set(line, EL_CLIENTDATA, &state);
    el_set(line, EL_PROMPT, prompt_of);
    el_set(line, EL_EDITOR, "emacs");
    // Signals restore the terminal; Ctrl-C is a key.
    el_set(line, EL_SIGNAL, 1);
    el_set(line, EL_SETTY, "-d", "-isig", nullptr);
    // The wide form keeps no copies, which would leak.
    el_wset(line, EL_ADDFN, L"proxyctl-complete", L"complete the word", on_tab);
    el_wset(line, EL_ADDFN, L"proxyctl-help", L"show the possible words", on_question_mark);
    el_wset(line, EL_ADDFN, L"proxyctl-interrupt", L"empty the line", on_interrupt);
    el_set(line, EL_BIND, "^I", "proxyctl-complete", nullptr);
    el_set(line, EL_BIND, "?", "proxyctl-help", nullptr);
    el_set(line, EL_BIND, "^C", "proxyctl-interrupt", nullptr);
    el_set(line, EL_BIND, "^R", "em-inc-search-prev", nullptr);
}

void load(LineEditor::State& state) {
    HistEvent event{};
    history(state.history, &event, H_SETSIZE, max_history);
    history(state.history, &event, H_SETUNIQUE, 1);
    el_set(state.line, EL_HIST, history, state.history);
    if (!state.file.empty()) history(state.history, &event, H_LOAD, state.file.c_str());
}

void save(const LineEditor::State& state) {
    if (state.file.empty()) return;
    base::UniqueFd fd(
        ::open(state.file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd || ::fchmod(fd.get(), 0600) != 0) return;
    std::FILE* file = ::fdopen(fd.get(), "w");
    if (file == nullptr) return;
    (void)fd.release();
    HistEvent event{};
    history(state.history, &event, H_SAVE_FP, file);
    std::fclose(file);
}

}  // namespace

LineEditor::LineEditor(std::string file, Words complete, Words help) : state_(std::make_unique<State>()) {
    state_->file = std::move(file);
    state_->complete = std::move(complete);
    state_->help = std::move(help);
    state_->line = el_init("proxyctl", stdin, stdout, stderr);
    state_->history = history_init();
    if (state_->line == nullptr || state_->history == nullptr) throw std::bad_alloc();
    set_up(*state_);
    load(*state_);
}

LineEditor::~LineEditor() {
    save(*state_);
    history_end(state_->history);
    el_end(state_->line);
}

std::optional<std::string> LineEditor::read(const std::string& prompt) {
    state_->prompt = prompt;
    int count = 0;
    const SigintBlocked blocked;
    // Before the prompt, because a Ctrl-D that is typed during the change of modes would be lost.
    el_set(state_->line, EL_PREP_TERM, 1);
    const char* text = el_gets(state_->line, &count);
    if (text == nullptr || count <= 0) return std::nullopt;
    std::string line(text, static_cast<std::size_t>(count));
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r'))
        line.pop_back();
    HistEvent event{};
    const bool blank = line.find_first_not_of(" \t") == std::string::npos;
    if (!blank && line.size() <= max_line) {
        history(state_->history, &event, H_ENTER, line.c_str());
    }
    return line;
}

std::string history_file() {
    const char* home = std::getenv("HOME");
    struct stat folder {};
    if (home == nullptr || *home != '/' || ::stat(home, &folder) != 0) return {};
    // Under sudo HOME may be another user's.
    if (!S_ISDIR(folder.st_mode) || folder.st_uid != ::geteuid() || ::access(home, W_OK) != 0) return {};
    return std::string(home) + "/.proxyctl_history";
}

}  // namespace proxyctl
