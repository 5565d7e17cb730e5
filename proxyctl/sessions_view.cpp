#include "proxyctl/sessions_view.hpp"

#include <algorithm>

#include "base/endpoint.hpp"
#include "base/text.hpp"
#include "proxyctl/failure.hpp"
#include "proxyctl/words.hpp"

namespace proxyctl {

namespace {

[[noreturn]] void fail_unknown(const std::string& word, const Row& sample) {
    std::string names;
    for (const Field& field : sample.fields())
        names += (names.empty() ? "" : ", ") + field.name;
    fail(exit_status::misused, "'{}' is no field of a session; there are {}", base::printable(word), names);
}

std::string needed_field(const Row& sample, const std::string& word) {
    if (const auto name = field_named(sample, word)) return *name;
    fail_unknown(word, sample);
}

}  // namespace

Columns usual_session_columns() {
    return {{"id", "ID"},
            {"client", "CLIENT"},
            {"server", "SERVER"},
            {"rule", "RULE"},
            {"created_ms", "AGE"},
            {"idle_ms", "IDLE"},
            {"client_bytes", "FROM CL"},
            {"server_bytes", "FROM SV"}};
}

std::optional<std::string> field_named(const Row& row, const std::string& word) {
    const std::string name = lower(word);
    for (const std::string_view unit : {"", "_ms", "_bytes"}) {
        if (row.find(name + std::string(unit)) != nullptr) return name + std::string(unit);
    }
    // What the columns are called where no unit tells.
    if (name == "age" && row.find("created_ms") != nullptr) return "created_ms";
    return std::nullopt;
}

Columns parse_columns(const std::string& text, const Row& sample) {
    Columns columns;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find(',', at), text.size());
        const std::string name = needed_field(sample, text.substr(at, end - at));
        columns.push_back(name == "created_ms" ? Column{name, "AGE"} : column_of(name));
        at = end + 1;
    }
    return columns;
}

bool is_less(const Value* a, const Value* b) {
    if (a == nullptr || b == nullptr) return a == nullptr && b != nullptr;
    if (a->is_number() || b->is_number()) return a->number() < b->number();
    const auto left = base::parse_endpoint(a->text);
    const auto right = base::parse_endpoint(b->text);
    if (left && right)
        return std::pair(left->address(), left->port) < std::pair(right->address(), right->port);
    if (a->kind == Value::Kind::boolean) return a->boolean < b->boolean;
    return a->text < b->text;
}

void sort_rows(std::vector<Row>& rows, const std::string& key) {
    if (rows.empty()) return;
    const bool turned = key.starts_with('-');
    const std::string name = needed_field(rows.front(), turned ? key.substr(1) : key);
    const Value* sample = rows.front().find(name);
    const bool largest_first = sample->is_number() != turned;
    std::stable_sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
        return largest_first ? is_less(b.find(name), a.find(name)) : is_less(a.find(name), b.find(name));
    });
}

}  // namespace proxyctl
