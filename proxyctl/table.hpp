#pragma once

#include <string>
#include <vector>

#include "proxyctl/row.hpp"

namespace proxyctl {

/// A column of a table: the name of the field, and its title.
struct Column {
    std::string name;
    std::string title;
};
using Columns = std::vector<Column>;

/// The title is the name without `_ms`, in capitals: `idle_ms` becomes IDLE.
Column column_of(const std::string& name);
/// A column for each field of the row.
Columns columns_of(const Row& row);

/// The colour of a line.
enum class Tone { plain, good, warning, bad, title };

struct TableLine {
    std::string text;
    Tone tone = Tone::plain;
};

/// Rows with aligned columns, numbers to the right.
class Table {
public:
    explicit Table(Columns columns) : columns_(std::move(columns)) {}

    void add(const Row& row, Tone tone = Tone::plain);

    /// The titles and a line for each row. With a `width`, the widest columns are cut until a line fits.
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
