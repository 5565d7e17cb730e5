#include "libudpserver/control/request.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>

namespace control {
namespace {

constexpr std::int64_t ten_years = std::chrono::milliseconds(std::chrono::years(10)).count();

std::string_view kind_of(const Value& value) {
    if (std::holds_alternative<bool>(value)) return "true or false";
    return std::holds_alternative<std::int64_t>(value) ? "a number" : "a text";
}

/// The value if it is of this kind.
template <typename T>
const T& as(std::string_view name, const Value& value, std::string_view wanted) {
    if (const T* held = std::get_if<T>(&value)) return *held;
    throw Failure(Code::usage, fmt::format("argument '{}' must be {}, not {}", name, wanted, kind_of(value)));
}

}  // namespace

std::string Request::line() const {
    boost::json::object args;
    for (const auto& [name, value] : args_)
        std::visit([&args, &key = name](const auto& held) { args[key] = held; }, value);
    boost::json::object request{{"command", command_}};
    if (!args.empty()) request["args"] = std::move(args);
    return boost::json::serialize(request);
}

void Request::allow(const std::vector<std::string>& names) const {
    for (const auto& [name, value] : args_) {
        if (std::ranges::find(names, name) != names.end()) continue;
        if (names.empty())
            throw Failure(Code::usage, fmt::format("command '{}' takes no arguments", command_));
        throw Failure(Code::usage, not_among(fmt::format("argument of '{}':", command_), name, names));
    }
}

const Value* Request::find(std::string_view name) const {
    const auto found = args_.find(name);
    return found == args_.end() ? nullptr : &found->second;
}

std::optional<std::string> Request::text(std::string_view name) const {
    const Value* value = find(name);
    if (!value) return std::nullopt;
    return as<std::string>(name, *value, "a text");
}

std::optional<bool> Request::flag(std::string_view name) const {
    const Value* value = find(name);
    if (!value) return std::nullopt;
    return as<bool>(name, *value, "true or false");
}

std::optional<std::int64_t> Request::number(std::string_view name, std::int64_t min, std::int64_t max) const {
    const Value* value = find(name);
    if (!value) return std::nullopt;
    const std::int64_t number = as<std::int64_t>(name, *value, "a whole number");
    if (number >= min && number <= max) return number;
    constexpr auto unbounded = std::numeric_limits<std::int64_t>::max();
    const std::string range =
        max == unbounded ? fmt::format("{} or more", min) : fmt::format("{} to {}", min, max);
    throw Failure(Code::usage, fmt::format("argument '{}' is {}, must be {}", name, number, range));
}

std::optional<base::Duration> Request::duration(std::string_view name) const {
    const auto count = number(name, 0, ten_years);
    if (!count) return std::nullopt;
    return base::Duration(*count);
}

std::string Request::needed_text(std::string_view name) const {
    auto value = text(name);
    if (!value || value->empty())
        throw Failure(Code::usage, fmt::format("command '{}' needs the argument '{}'", command_, name));
    return *std::move(value);
}

}  // namespace control
