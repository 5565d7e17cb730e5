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
    if (error == std::errc() && end == text.data() + text.size()) return integer;
    return std::strtod(text.c_str(), nullptr);
}

Value value_of(const control::Member& member) {
    using Kind = control::Member::Kind;
    if (member.kind == Kind::boolean) return member.text == "true";
    if (member.kind == Kind::number) return number_of(member.text);
    if (member.kind == Kind::text) return member.text;
    Value result;
    if (member.kind == Kind::list) result.kind = Value::Kind::list;
    if (member.kind == Kind::object) result.kind = Value::Kind::object;
    result.members = fields_of(member.inside);
    return result;
}

}  // namespace

Value::Value(bool value) : kind(Kind::boolean), boolean(value) {}
Value::Value(std::int64_t value) : kind(Kind::integer), integer(value) {}
Value::Value(double value) : kind(Kind::real), real(value) {}
Value::Value(std::string value) : kind(Kind::text), text(std::move(value)) {}
Value::Value(std::string_view value) : Value(std::string(value)) {}
Value::Value(const char* value) : Value(std::string(value)) {}

double Value::number() const {
    return kind == Kind::integer ? static_cast<double>(integer) : kind == Kind::real ? real : 0;
}

Row::Row(const control::AnswerLine& answer, std::string line)
    : fields_(fields_of(answer.members)), line_(std::move(line)) {}

const Value* Row::find(std::string_view name) const {
    const auto found = std::ranges::find(fields_, name, &Field::name);
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
