#include "proxyctl/terminal/screen.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "proxyctl/human.hpp"

namespace proxyctl {

namespace {

void write_all(std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;  // the terminal is gone; reading keys reports it
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

}  // namespace

bool is_dumb_terminal() {
    const char* terminal = std::getenv("TERM");
    return terminal == nullptr || *terminal == '\0' || std::string_view(terminal) == "dumb";
}

bool can_draw() {
    return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1 && !is_dumb_terminal();
}

Screen::Screen(bool color) : color_(color) {
    ::tcgetattr(STDIN_FILENO, &before_);
    enter();
}

Screen::~Screen() {
    leave();
}

void Screen::enter() const {
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    write_all("\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J");
}

void Screen::leave() const {
    write_all("\x1b[0m\x1b[?25h\x1b[?1049l");
    ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
}

Screen::Size Screen::size() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
        return {80, 24};
    return {size.ws_col, size.ws_row};
}

void Screen::draw(const std::vector<TableLine>& lines) const {
    const Size room = size();
    std::string frame = "\x1b[H";
    for (std::size_t i = 0; i < std::min(lines.size(), room.rows); ++i) {
        // A newline after the last line would scroll the screen.
        if (i > 0) frame += "\r\n";
        const bool bold = color_ && lines[i].tone == Tone::title;
        frame += (bold ? "\x1b[7m" : "") + cut(lines[i].text, room.columns) + (bold ? "\x1b[0m" : "");
        if (columns_of(lines[i].text) < room.columns) frame += "\x1b[K";
    }
    write_all(frame + "\x1b[J");
}

std::string Screen::keys(bool& ended) const {
    std::array<char, 64> pressed{};
    const ssize_t count = ::read(STDIN_FILENO, pressed.data(), pressed.size());
    ended = count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN);
    return {pressed.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
}

}  // namespace proxyctl
