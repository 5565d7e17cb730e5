#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace proxyctl {

/// Lines from a terminal, with editing, history and completion. The only place that knows libedit.
class LineEditor {
public:
    /// What the word before the cursor could become, and what to show for `?`; both get the line up to the
    /// cursor.
    using Words = std::function<std::vector<std::string>(const std::string& line)>;

    /// An empty `history_file` keeps no history.
    LineEditor(std::string history_file, Words complete, Words help);
    /// Writes the history, which only its owner can read.
    ~LineEditor();
    LineEditor(const LineEditor&) = delete;
    LineEditor& operator=(const LineEditor&) = delete;

    /// Nothing at the end of the input (Ctrl-D). Ctrl-C empties the line.
    std::optional<std::string> read(const std::string& prompt);

    struct State;

private:
    std::unique_ptr<State> state_;
};

/// ~/.proxyctl_history, if HOME is a folder of this user, otherwise empty.
std::string history_file();

}  // namespace proxyctl
