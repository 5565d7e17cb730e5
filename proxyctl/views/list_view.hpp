#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "proxyctl/row.hpp"
#include "proxyctl/table.hpp"

/// Rows of sessions, names and totals as tables. Pure functions.
namespace proxyctl {

/// The default columns of sessions, which fit into 80 characters.
Columns session_columns();

/// `client,idle,server_bytes` as columns; `_ms` and `_bytes` may be left out. Throws a Failure that lists the
/// fields.
Columns parse_columns(const std::string& text, const Row& sample);

/// Sorts by a field: numbers descending, texts and addresses ascending, `-KEY` reversed. The sort is stable.
/// Throws a Failure for an unknown key.
void sort_rows(std::vector<Row>& rows, const std::string& key);

/// `3m12s ago: timed out`, or empty.
std::string last_error(const Row& name);
/// Adds to each name which of its addresses are in `unreachable`, and why.
std::vector<Row> with_unreachable(std::vector<Row> names, const std::vector<Row>& unreachable);
/// Names with their states, coloured, and their last errors.
Table names_table(const std::vector<Row>& names);

/// The growth per second of each field; nothing if it is not a number, or shrank, because its counter was
/// reset.
std::vector<std::optional<double>> rates_between(const Row& before, const Row& now, base::Duration time);
/// Each field with its rate.
Table rates_table(const Row& before, const Row& now, base::Duration time);

}  // namespace proxyctl
