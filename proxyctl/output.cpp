#include "proxyctl/output.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/text.hpp"
#include "proxyctl/human.hpp"
#include "proxyctl/terminal/screen.hpp"

namespace proxyctl {

namespace {

const char* code_of(Tone tone) {
    switch (tone) {
        case Tone::title:
            return "\x1b[1m";
        case Tone::good:
            return "\x1b[32m";
        case Tone::warning:
            return "\x1b[33m";
        case Tone::bad:
            return "\x1b[31m";
        case Tone::plain:
            break;
    }
    return "";
}

bool terminal_has_colors() {
    const char* refused = std::getenv("NO_COLOR");
    return !is_dumb_terminal() && (refused == nullptr || *refused == '\0');
}

}  // namespace

Output::Output(bool json, bool color)
    : json_(json),
      terminal_(::isatty(STDOUT_FILENO) == 1),
      color_(terminal_ && color && terminal_has_colors()) {}

void Output::line(std::string_view text, Tone tone) {
    const bool colored = color_ && tone != Tone::plain;
    if (colored) std::fputs(code_of(tone), stdout);
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fputs(colored ? "\x1b[0m\n" : "\n", stdout);
}

void Output::table(const Table& table) {
    for (const TableLine& each : table.lines(terminal_ ? Screen::size().columns : 0))
        line(each.text, each.tone);
}

void Output::members(const Fields& fields, std::size_t indent) {
    std::size_t widest = 0;
    for (const Field& field : fields)
        widest = std::max(widest, columns_of(visible(field.name)));
    for (const Field& field : fields) {
        std::string text = std::string(indent, ' ') + visible(field.name);
        if (field.value.kind == Value::Kind::object && !field.value.members.empty()) {
            line(text);
            members(field.value.members, indent + 2);
            continue;
        }
        text.append(widest + indent + 2 - std::min(columns_of(text), widest + indent), ' ');
        line(text + cell_text(field.name, field.value));
    }
}

void Output::fields(const Row& row) {
    members(row.fields(), 0);
}

void Output::row_line(const Row& row) {
    const std::string text = terminal_ ? visible_json(row.line()) : row.line();
    if (instance_.empty() || row.fields().empty()) return line(text);
    // The members begin after the brace.
    line("{" + instance_ + text.substr(text.find('{') + 1));
}

void Output::set_instance(const std::string& name) {
    const std::string object = Row({{"instance", name}}).line();
    instance_ = object.substr(1, object.size() - 2) + ",";
}

bool Output::flush() {
    return std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
}

void print_error(std::string_view text) {
    std::fflush(stdout);
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::fprintf(stderr, "proxyctl: %s\n", visible(text.substr(0, end)).c_str());
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

}  // namespace proxyctl
