#pragma once

#include <string>
#include <vector>

#include "proxyctl/row.hpp"

namespace proxyctl {

/// A column of a table: the name of the field, and the words above it.
struct Column {
    std::string name;
    std::string title;
};
using Columns = std::vector<Column>;

/// The field's name without its unit, in capitals: `idle_ms` has the title IDLE.
Column column_of(const std::string& name);
/// All fields of a row.
Columns columns_of(const Row& row);

/// How a line looks where there are colours.
enum class Tone { plain, good, warning, bad, title };

struct TableLine {
    std::string text;
    Tone tone = Tone::plain;
};

/// Rows with their columns aligned, numbers to the right.
class Table {
public:
    explicit Table(Columns columns) : columns_(std::move(columns)) {}

    void add(const Row& row, Tone tone = Tone::plain);
    [[nodiscard]] std::size_t size() const { return lines_.size(); }

    /// The title and a line for each row. `width` 0: as wide as they are; otherwise the widest columns are
    /// cut until a line fits.
    [[nodiscard]] std::vector<TableLine> lines(std::size_t width = 0) const;

private:
    struct Cell {
        std::string text;
        bool number = false;
    };
    struct Line {
        std::vector<Cell> cells;
        Tone tone;
    };
    [[nodiscard]] std::vector<std::size_t> widths(std::size_t width) const;
    [[nodiscard]] std::vector<bool> numbers() const;

    Columns columns_;
    std::vector<Line> lines_;
};

}  // namespace proxyctl
