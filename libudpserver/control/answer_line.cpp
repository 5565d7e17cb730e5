#include "libudpserver/control/answer_line.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/log_escape.hpp"

namespace control {
namespace {

namespace json = boost::json;

constexpr std::string_view error_head = R"({"error":)";
constexpr std::size_t max_error = 4 * 1024;
constexpr std::size_t max_depth = 8;

Member::Kind kind_of(json::kind kind) {
    switch (kind) {
        case json::kind::null:
            return Member::Kind::nothing;
        case json::kind::bool_:
            return Member::Kind::boolean;
        case json::kind::string:
            return Member::Kind::text;
        case json::kind::array:
            return Member::Kind::list;
        case json::kind::object:
            return Member::Kind::object;
        default:
            return Member::Kind::number;
    }
}

Member member(std::string name, const json::value& value);

std::vector<Member> members_of(const json::object& object) {
    std::vector<Member> members;
    for (const auto& [key, value] : object)
        members.push_back(member(std::string(key), value));
    return members;
}

Member member(std::string name, const json::value& value) {
    Member result{std::move(name), kind_of(value.kind()), {}, {}};
    if (const auto* text = value.if_string())
        result.text.assign(text->data(), text->size());
    else
        result.text = json::serialize(value);
    if (const auto* object = value.if_object()) result.inside = members_of(*object);
    if (const auto* list = value.if_array())
        for (const json::value& item : *list)
            result.inside.push_back(member("", item));
    return result;
}

AnswerLine senseless(std::string why) {
    AnswerLine line;
    line.text = std::move(why);
    return line;
}

AnswerLine error_of(const json::object& object) {
    const auto* const text = object.at("error").if_string();
    if (!text) return senseless("'error' is no text");
    const json::value* const code = object.if_contains("code");
    AnswerLine line{AnswerLine::Kind::error};
    line.text.assign(text->data(), text->size());
    if (code && code->is_string())
        line.code = parse_code(std::string(code->get_string())).value_or(Code::failed);
    return line;
}

}  // namespace

std::string end_line() {
    return R"({"end":true})";
}

std::string error_line(Code code, std::string_view text) {
    return fmt::format(R"({}{},"code":"{}"}})", error_head, base::log::json_string(text, max_error),
                       to_string(code));
}

bool begins_with_error(std::string_view text) {
    return text.starts_with(error_head);
}

const Member* AnswerLine::find(std::string_view name) const {
    const auto found = std::ranges::find(members, name, &Member::name);
    return found == members.end() ? nullptr : &*found;
}

AnswerLine parse_answer(std::string_view line) {
    if (line.size() > max_answer_line) return senseless("the line is too long");
    json::parse_options options;
    options.max_depth = max_depth;
    json::error_code error;
    const json::value value = json::parse(json::string_view(line.data(), line.size()), error, {}, options);
    if (error) return senseless("no JSON: " + error.message());
    const auto* const object = value.if_object();
    if (!object) return senseless("no JSON object");
    if (object->contains("error")) return error_of(*object);
    if (object->contains("end")) return {AnswerLine::Kind::end};
    return {AnswerLine::Kind::row, members_of(*object)};
}

}  // namespace control
