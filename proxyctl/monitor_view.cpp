#include "proxyctl/monitor_view.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "proxyctl/human.hpp"
#include "proxyctl/sessions_view.hpp"

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

Value speed(double bytes) {
    Value value;
    value.kind = Value::Kind::real;
    value.real = bytes;
    return value;
}

Columns monitor_columns() {
    return {{"id", "ID"},          {"client", "CLIENT"}, {"server", "SERVER"}, {"rule", "RULE"},
            {"created_ms", "AGE"}, {"idle_ms", "IDLE"},  {"up_bytes", "UP/S"}, {"down_bytes", "DOWN/S"}};
}

std::string headline(const MonitorPicture& picture) {
    std::string text =
        fmt::format("{}  {}{} sessions  up {}/s  down {}/s", visible(picture.name), picture.rows.size(),
                    picture.cut_off ? " or more" : "", human_size(picture.up), human_size(picture.down));
    if (!picture.trouble.empty()) {
        text = fmt::format("OLD ({}): {}  ", human_duration(picture.age.count()), visible(picture.trouble)) +
               text;
    }
    return text;
}

void sort(std::vector<Row>& rows, const MonitorOrder& order) {
    if (rows.empty() || rows.front().find(order.key) == nullptr) return;
    sort_rows(rows, (order.turned ? "-" : "") + order.key);
}

}  // namespace

void SessionSpeeds::add_to(std::vector<Row>& rows, base::Instant now) {
    const double seconds = last_ ? static_cast<double>((now - *last_).count()) / 1000 : 0;
    std::map<std::string, Seen> seen;
    up_ = down_ = 0;
    for (Row& row : rows) {
        const Seen here{amount(row, "client_bytes"), amount(row, "server_bytes")};
        const auto old = before_.find(row.text("id"));
        Seen rate;
        if (old != before_.end() && seconds > 0) {
            rate = {std::max(0.0, here.up - old->second.up) / seconds,
                    std::max(0.0, here.down - old->second.down) / seconds};
        }
        row.add("up_bytes", speed(rate.up));
        row.add("down_bytes", speed(rate.down));
        up_ += rate.up;
        down_ += rate.down;
        seen[row.text("id")] = here;
    }
    before_ = std::move(seen);
    last_ = now;
}

bool MonitorOrder::press(char letter) {
    if (letter == '-') {
        turned = !turned;
        return true;
    }
    for (const auto& [known, field] : orders) {
        if (letter != known) continue;
        turned = false;
        key = field;
        return true;
    }
    return false;
}

std::vector<TableLine> monitor_lines(MonitorPicture picture, const MonitorOrder& order, std::size_t width,
                                     std::size_t height) {
    sort(picture.rows, order);
    std::vector<TableLine> lines{{headline(picture), picture.trouble.empty() ? Tone::plain : Tone::bad}};
    lines.push_back({"sort: Up Down Client Server Rule Age Idle Bytes, - turns; q quits", Tone::plain});
    const std::size_t room = height > 3 ? height - 3 : 0;
    Table table(monitor_columns());
    for (std::size_t i = 0; i < std::min(room, picture.rows.size()); ++i)
        table.add(picture.rows[i]);
    for (TableLine& line : table.lines(width))
        lines.push_back(std::move(line));
    if (lines.size() > height) lines.resize(height);
    for (TableLine& line : lines)
        line.text = cut(line.text, width);
    return lines;
}

}  // namespace proxyctl
