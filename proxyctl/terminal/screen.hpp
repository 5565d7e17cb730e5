#pragma once

#include <termios.h>

#include <string>
#include <vector>

#include "proxyctl/table.hpp"

namespace proxyctl {

/// The whole terminal for a live display: keys arrive at once and without echo, lines are drawn in place. The
/// destructor restores the terminal.
class Screen {
public:
    explicit Screen(bool color);
    ~Screen();
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;

    struct Size {
        std::size_t columns, rows;
    };
    /// 80 x 24 if the terminal does not tell.
    [[nodiscard]] static Size size();
    /// Draws as many lines as fit.
    void draw(const std::vector<TableLine>& lines) const;
    /// The keys pressed since the last call. Sets `ended` at the end of the input.
    std::string keys(bool& ended) const;

    /// Restores the terminal before a stop by Ctrl-Z, and takes it again.
    void leave() const;
    void enter() const;

private:
    bool color_;
    termios before_{};
};

/// Whether TERM names no terminal with a movable cursor.
bool is_dumb_terminal();
/// Whether input and output are a terminal with a movable cursor.
bool can_draw();

}  // namespace proxyctl
