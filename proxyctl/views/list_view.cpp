#include "proxyctl/views/list_view.hpp"

#include <algorithm>

#include "base/endpoint.hpp"
#include "base/text.hpp"
#include "proxyctl/failure.hpp"
#include "proxyctl/human.hpp"

namespace proxyctl {

namespace {

/// The field that a user means, with or without its unit.
std::string field_named(const Row& sample, const std::string& word) {
    const std::string name = base::lower(word);
    for (const char* unit : {"", "_ms", "_bytes"})
        if (sample.find(name + unit) != nullptr) return name + unit;
    // The title of the column.
    if (name == "age" && sample.find("created_ms") != nullptr) return "created_ms";
    std::vector<std::string> names;
    for (const Field& field : sample.fields())
        names.push_back(field.name);
    fail(exit_status::misused, "unknown session field '{}' (expected {})", base::printable(word),
         base::joined(names));
}

/// Numbers by value, endpoints by address and port.
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

Tone tone_for(const std::string& state) {
    return state == "resolved"                     ? Tone::good
           : state == "stale" || state == "denied" ? Tone::warning
           : state == "failed"                     ? Tone::bad
                                                   : Tone::plain;
}

}  // namespace

Columns session_columns() {
    return {{"id", "ID"},
            {"client", "CLIENT"},
            {"server", "SERVER"},
            {"rule", "RULE"},
            {"created_ms", "AGE"},
            {"idle_ms", "IDLE"},
            {"client_bytes", "FROM CL"},
            {"server_bytes", "FROM SV"}};
}

Columns parse_columns(const std::string& text, const Row& sample) {
    Columns columns;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find(',', at), text.size());
        const std::string name = field_named(sample, text.substr(at, end - at));
        columns.push_back(name == "created_ms" ? Column{name, "AGE"} : column_of(name));
        at = end + 1;
    }
    return columns;
}

void sort_rows(std::vector<Row>& rows, const std::string& key) {
    if (rows.empty()) return;
    const bool reversed = key.starts_with('-');
    const std::string name = field_named(rows.front(), reversed ? key.substr(1) : key);
    const Value* sample = rows.front().find(name);
    const bool largest_first = sample->is_number() != reversed;
    std::stable_sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
        return largest_first ? is_less(b.find(name), a.find(name)) : is_less(a.find(name), b.find(name));
    });
}

std::string last_error(const Row& name) {
    const std::string error = name.text("last_error");
    const auto ago = name.number("last_error_ago_ms");
    return error.empty() || !ago ? error : human_duration(*ago) + " ago: " + error;
}

std::vector<Row> with_unreachable(std::vector<Row> names, const std::vector<Row>& unreachable) {
    for (Row& name : names) {
        const Value* addresses = name.find("addresses");
        if (addresses == nullptr) continue;
        std::string text;
        for (const Row& server : unreachable) {
            const std::string address = server.text("address");
            const bool has_it =
                std::any_of(addresses->members.begin(), addresses->members.end(),
                            [&](const Field& member) { return member.value.text == address; });
            if (has_it) text += (text.empty() ? "" : ", ") + address + ": " + server.text("why");
        }
        if (!text.empty()) name.add("unreachable", text);
    }
    return names;
}

Table names_table(const std::vector<Row>& names) {
    Columns columns{{"name", "NAME"},
                    {"state", "STATE"},
                    {"expires_ms", "EXPIRES"},
                    {"addresses", "ADDRESSES"},
                    {"last_error_text", "LAST ERROR"}};
    const bool all_reachable = std::none_of(
        names.begin(), names.end(), [](const Row& name) { return name.find("unreachable") != nullptr; });
    if (!all_reachable) columns.insert(columns.end() - 1, {"unreachable", "UNREACHABLE"});
    Table table(std::move(columns));
    for (Row name : names) {
        name.add("last_error_text", last_error(name));
        table.add(name, tone_for(name.text("state")));
    }
    return table;
}

std::vector<std::optional<double>> rates_between(const Row& before, const Row& now, base::Duration time) {
    std::vector<std::optional<double>> rates;
    const double seconds = static_cast<double>(time.count()) / 1000;
    for (const Field& field : now.fields()) {
        const Value* old = before.find(field.name);
        const bool known = old != nullptr && old->is_number() && field.value.is_number() && seconds > 0 &&
                           !field.name.ends_with("_ms") && field.value.number() >= old->number();
        rates.push_back(known ? std::optional((field.value.number() - old->number()) / seconds)
                              : std::nullopt);
    }
    return rates;
}

Table rates_table(const Row& before, const Row& now, base::Duration time) {
    const std::vector<std::optional<double>> rates = rates_between(before, now, time);
    Table table({{"name", "NAME"}, {"value", "VALUE"}, {"rate", "RATE"}});
    for (std::size_t i = 0; i < rates.size(); ++i) {
        const auto& [name, value] = now.fields()[i];
        const auto human = name.ends_with("_bytes") ? human_size : human_count;
        table.add(Row({{"name", name},
                       {"value", cell_text(name, value)},
                       {"rate", rates[i] ? Value(human(*rates[i]) + "/s") : Value()}}));
    }
    return table;
}

}  // namespace proxyctl
