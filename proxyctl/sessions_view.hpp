#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proxyctl/row.hpp"
#include "proxyctl/table.hpp"

/// Rows of sessions, chosen and ordered for people. Pure calculation.
namespace proxyctl {

/// The columns of `sessions` that fit into 80 characters.
Columns usual_session_columns();

/// The field that a user means: its name, or that without `_ms` or `_bytes`. Nothing when the row has none
/// such.
std::optional<std::string> field_named(const Row& row, const std::string& word);

/// `client,idle,server_bytes` as columns of these rows. Throws a Failure that lists the fields.
Columns parse_columns(const std::string& text, const Row& sample);

/// By a field: numbers from the largest, texts and addresses from the smallest; `-KEY` the other way round.
/// Equal ones keep their order. Throws a Failure for an unknown key.
void sort_rows(std::vector<Row>& rows, const std::string& key);

/// Whether `a` comes before `b` when sorted upwards: numbers by value, endpoints by address and port.
bool is_less(const Value* a, const Value* b);

}  // namespace proxyctl
