#include "proxyctl/table.hpp"

#include <algorithm>
#include <numeric>

#include "base/text.hpp"
#include "proxyctl/human.hpp"

namespace proxyctl {

namespace {

constexpr std::string_view gap = "  ";
constexpr std::size_t min_width = 6;

bool is_duration_or_size(std::string_view name) {
    return name.ends_with("_ms") || name.ends_with("_bytes");
}

std::string padded(const std::string& text, std::size_t width, bool right) {
    const std::size_t used = columns_of(text);
    const std::string blanks(used < width ? width - used : 0, ' ');
    return right ? blanks + text : text + blanks;
}

std::size_t total(const std::vector<std::size_t>& widths) {
    return std::accumulate(widths.begin(), widths.end(), std::size_t{0}) + gap.size() * (widths.size() - 1);
}

void trim(std::string& line) {
    line.erase(line.find_last_not_of(' ') + 1);
}

}  // namespace

Column column_of(const std::string& name) {
    std::string title = name;
    if (title.ends_with("_ms")) title.resize(title.size() - 3);
    std::replace(title.begin(), title.end(), '_', ' ');
    return {name, visible(base::upper(title))};
}

Columns columns_of(const Row& row) {
    Columns columns;
    for (const Field& field : row.fields())
        columns.push_back(column_of(field.name));
    return columns;
}

void Table::add(const Row& row, Tone tone) {
    Line line{{}, tone};
    for (const Column& column : columns_) {
        const Value* value = row.find(column.name);
        const bool number =
            value != nullptr &&
            (value->is_number() || (value->kind == Value::Kind::null && is_duration_or_size(column.name)));
        line.cells.push_back({value == nullptr ? "-" : cell_text(column.name, *value), number});
    }
    lines_.push_back(std::move(line));
}

std::vector<bool> Table::numbers() const {
    std::vector<bool> right(columns_.size(), !lines_.empty());
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        bool any = false;
        for (const Line& line : lines_) {
            any = any || line.cells[i].number;
            if (!line.cells[i].number && line.cells[i].text != "-") right[i] = false;
        }
        right[i] = right[i] && any;
    }
    return right;
}

std::vector<std::size_t> Table::widths(std::size_t width) const {
    std::vector<std::size_t> result;
    for (const Column& column : columns_)
        result.push_back(columns_of(column.title));
    for (const Line& line : lines_) {
        for (std::size_t i = 0; i < columns_.size(); ++i)
            result[i] = std::max(result[i], columns_of(line.cells[i].text));
    }
    while (width > 0 && total(result) > width) {
        const auto widest = std::max_element(result.begin(), result.end());
        if (*widest <= min_width) break;
        --*widest;
    }
    return result;
}

std::vector<TableLine> Table::lines(std::size_t width) const {
    if (columns_.empty()) return {};
    const std::vector<std::size_t> column_widths = widths(width);
    const std::vector<bool> right = numbers();
    const auto join = [&](const auto& text_of) {
        std::string line;
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            if (i > 0) line += gap;
            line += padded(cut(text_of(i), column_widths[i]), column_widths[i], right[i]);
        }
        trim(line);
        return width > 0 ? cut(line, width) : line;
    };
    std::vector<TableLine> result{{join([&](std::size_t i) { return columns_[i].title; }), Tone::title}};
    for (const Line& line : lines_)
        result.push_back({join([&](std::size_t i) { return line.cells[i].text; }), line.tone});
    return result;
}

}  // namespace proxyctl
