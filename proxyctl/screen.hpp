#pragma once

#include <termios.h>

#include <string>
#include <vector>

#include "proxyctl/table.hpp"

namespace proxyctl {

/// The whole terminal for a live picture: keys come without echo and at once, lines are drawn in place. The
/// terminal is as before when the object is gone.
class Screen {
public:
    explicit Screen(bool color);
    ~Screen();
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;

    struct Size {
        std::size_t columns, rows;
    };
    [[nodiscard]] static Size size();
    /// As many lines as there is room for.
    void draw(const std::vector<TableLine>& lines) const;
    /// The keys that were pressed since the last call; nothing more will come when `ended` is set.
    std::string keys(bool& ended) const;

    /// Gives the terminal back for a while, as before a stop by Ctrl-Z, and takes it again.
    void leave() const;
    void enter() const;

private:
    bool color_;
    termios before_{};
};

/// Whether both ends are a terminal that understands the usual sequences.
bool can_draw();

}  // namespace proxyctl
