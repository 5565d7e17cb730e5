#include "proxyctl/views/monitor_view.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "proxyctl/human.hpp"
#include "proxyctl/views/list_view.hpp"

namespace proxyctl {

namespace {

constexpr std::pair<char, std::string_view> orders[] = {
    {'u', "up_bytes"}, {'d', "down_bytes"}, {'c', "client"},  {'s', "server"},
    {'r', "rule"},     {'a', "created_ms"}, {'i', "idle_ms"}, {'b', "client_bytes"},
};

double amount(const Row& row, std::string_view name) {
    const Value* value = row.find(name);
    return value != nullptr ? value->number() : 0;
}

Columns monitor_columns() {
    return {{"id", "ID"},          {"client", "CLIENT"}, {"server", "SERVER"}, {"rule", "RULE"},
            {"created_ms", "AGE"}, {"idle_ms", "IDLE"},  {"up_bytes", "UP/S"}, {"down_bytes", "DOWN/S"}};
}

std::string headline(const MonitorFrame& frame) {
    std::string text =
        fmt::format("{}  {}{} sessions  up {}/s  down {}/s", visible(frame.name), frame.rows.size(),
                    frame.is_cut ? " or more" : "", human_size(frame.up), human_size(frame.down));
    if (!frame.error.empty()) {
        text = fmt::format("OLD ({}): {}  ", human_duration(frame.age.count()), visible(frame.error)) + text;
    }
    return text;
}

void sort(std::vector<Row>& rows, const MonitorOrder& order) {
    if (rows.empty() || rows.front().find(order.key) == nullptr) return;
    sort_rows(rows, (order.reversed ? "-" : "") + order.key);
}

}  // namespace

void SessionRates::add_to(std::vector<Row>& rows, base::Instant now) {
    const double seconds = last_ ? static_cast<double>((now - *last_).count()) / 1000 : 0;
    std::map<std::string, Bytes> counters;
    total_ = {};
    for (Row& row : rows) {
        const std::string id = row.text("id");
        const Bytes bytes{amount(row, "client_bytes"), amount(row, "server_bytes")};
        Bytes rate;
        if (const auto old = before_.find(id); old != before_.end() && seconds > 0) {
            rate = {std::max(0.0, bytes.up - old->second.up) / seconds,
                    std::max(0.0, bytes.down - old->second.down) / seconds};
        }
        row.add("up_bytes", rate.up);
        row.add("down_bytes", rate.down);
        total_.up += rate.up;
        total_.down += rate.down;
        counters[id] = bytes;
    }
    before_ = std::move(counters);
    last_ = now;
}

bool MonitorOrder::press(char letter) {
    if (letter == '-') {
        reversed = !reversed;
        return true;
    }
    for (const auto& [known, field] : orders) {
        if (letter != known) continue;
        reversed = false;
        key = field;
        return true;
    }
    return false;
}

std::vector<TableLine> monitor_lines(MonitorFrame frame, const MonitorOrder& order, std::size_t width,
                                     std::size_t height) {
    sort(frame.rows, order);
    std::vector<TableLine> lines{{headline(frame), frame.error.empty() ? Tone::plain : Tone::bad}};
    lines.push_back({"sort: Up Down Client Server Rule Age Idle Bytes, - reverses; q quits", Tone::plain});
    const std::size_t room = height > 3 ? height - 3 : 0;
    Table table(monitor_columns());
    for (std::size_t i = 0; i < std::min(room, frame.rows.size()); ++i)
        table.add(frame.rows[i]);
    for (TableLine& line : table.lines(width))
        lines.push_back(std::move(line));
    if (lines.size() > height) lines.resize(height);
    for (TableLine& line : lines)
        line.text = cut(line.text, width);
    return lines;
}

}  // namespace proxyctl
