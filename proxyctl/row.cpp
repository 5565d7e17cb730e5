#include "proxyctl/row.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "libudpserver/control/answer_line.hpp"
#include "libudpserver/control/row.hpp"

namespace proxyctl {

namespace {

Value value_of(const control::Member& member);

Fields fields_of(const std::vector<control::Member>& members) {
    Fields fields;
    for (const control::Member& member : members)
        fields.push_back({member.name, value_of(member)});
    return fields;
}

Value number_of(const std::string& text) {
    std::int64_t integer = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), integer);
    if (error == std::errc() && end == text.data() + text.size()) return Value::of(integer);
    Value result;
    result.kind = Value::Kind::real;
    result.real = std::strtod(text.c_str(), nullptr);
    return result;
}

Value value_of(const control::Member& member) {
    using Kind = control::Member::Kind;
    if (member.kind == Kind::boolean) return Value::of(member.text == "true");
    if (member.kind == Kind::number) return number_of(member.text);
    if (member.kind == Kind::text) return Value::of(member.text);
    Value result;
    if (member.kind == Kind::list) result.kind = Value::Kind::list;
    if (member.kind == Kind::object) result.kind = Value::Kind::object;
    result.members = fields_of(member.inside);
    return result;
}

}  // namespace

Value Value::of(bool value) {
    Value result;
    result.kind = Kind::boolean;
    result.boolean = value;
    return result;
}

Value Value::of(std::int64_t value) {
    Value result;
    result.kind = Kind::integer;
    result.integer = value;
    return result;
}

Value Value::of(std::string value) {
    Value result;
    result.kind = Kind::text;
    result.text = std::move(value);
    return result;
}

double Value::number() const {
    return kind == Kind::integer ? static_cast<double>(integer) : kind == Kind::real ? real : 0;
}

Row::Row(const std::vector<control::Member>& members, std::string line)
    : fields_(fields_of(members)), line_(std::move(line)) {}

const Value* Row::find(std::string_view name) const {
    const auto found =
        std::find_if(fields_.begin(), fields_.end(), [&](const Field& f) { return f.name == name; });
    return found == fields_.end() ? nullptr : &found->value;
}

std::string Row::text(std::string_view name) const {
    const Value* value = find(name);
    return value != nullptr && value->kind == Value::Kind::text ? value->text : std::string();
}

std::optional<std::int64_t> Row::number(std::string_view name) const {
    const Value* value = find(name);
    if (value == nullptr || value->kind != Value::Kind::integer) return std::nullopt;
    return value->integer;
}

std::string Row::line() const {
    if (!line_.empty()) return line_;
    control::Row row;
    for (const auto& [name, value] : fields_) {
        if (value.kind == Value::Kind::boolean) row.add(name, value.boolean);
        if (value.kind == Value::Kind::integer) row.add(name, value.integer);
        if (value.kind == Value::Kind::text) row.add(name, value.text);
    }
    return row.text();
}

}  // namespace proxyctl
