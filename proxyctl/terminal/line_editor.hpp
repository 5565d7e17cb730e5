#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace proxyctl {

/// Lines from a terminal, with editing, history and completion. The only user of libedit.
class LineEditor {
public:
    /// The candidates for the word at the cursor, or the lines to show for `?`. `line` ends at the cursor.
    using Words = std::function<std::vector<std::string>(const std::string& line)>;

    /// An empty `history_file` keeps no history.
    LineEditor(std::string history_file, Words complete, Words help);
    /// Writes the history, readable only by its owner.
    ~LineEditor();
    LineEditor(const LineEditor&) = delete;
    LineEditor& operator=(const LineEditor&) = delete;

    /// Nothing at the end of the input (Ctrl-D). Ctrl-C empties the line.
    std::optional<std::string> read(const std::string& prompt);

    struct State;

private:
    std::unique_ptr<State> state_;
};

/// ~/.proxyctl_history, or empty unless HOME is a folder of this user.
std::string history_file();

}  // namespace proxyctl
