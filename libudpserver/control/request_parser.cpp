// Requests are parsed event by event, not into a tree: this detects duplicate keys, stores nothing that is
// not permitted, and loses no digit of a number.
#include <fmt/core.h>

#include <boost/json/basic_parser_impl.hpp>
#include <utility>

#include "base/text.hpp"
#include "libudpserver/control/request.hpp"

namespace control {
namespace {

namespace json = boost::json;

// The request, its args, and two more levels, so that the error can name the argument.
constexpr std::size_t max_request_depth = 4;
constexpr std::size_t shown = 64;

/// Collects a request and its first error, apart from invalid JSON.
struct Collector {
    static constexpr std::size_t max_object_size = max_request;
    static constexpr std::size_t max_array_size = max_request;
    static constexpr std::size_t max_key_size = max_request;
    static constexpr std::size_t max_string_size = max_request;
    using Error = json::error_code;

    std::string command;
    Args args;
    bool has_command = false, has_args = false;
    std::string wrong;

    // 0 outside, 1 in the request, 2 in args or in an invalid value.
    std::size_t depth = 0;
    bool in_args = false;
    std::string key, part;

    bool complain(const std::string& text) {
        if (wrong.empty()) wrong = text;
        return true;
    }

    [[nodiscard]] std::string name() const {
        return fmt::format("'{}{}'", in_args ? "args." : "", base::printable(key, shown));
    }

    /// A text for the place where the parser is; keys and texts hold no control characters.
    bool clean(std::string_view text, std::string_view what) {
        for (const char c : text)
            if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
                complain(fmt::format("{} contains a control character", what));
                return false;
            }
        return true;
    }

    bool value(Value held) {
        if (depth == 0) return complain("a request is an object: {\"command\": \"help\"}");
        if (depth == 2 && in_args) return argument(std::move(held));
        if (depth >= 2) return true;  // reported already
        if (key != "command") return complain(top_level());
        auto* const text = std::get_if<std::string>(&held);
        if (!text || text->empty()) return complain("'command' must be the name of a command");
        if (std::exchange(has_command, true)) return complain("'command' is given twice");
        if (clean(*text, "'command'")) command = std::move(*text);
        return true;
    }

    bool argument(Value held) {
        if (key.empty()) return complain("an argument has no name");
        if (const auto* text = std::get_if<std::string>(&held); text && !clean(*text, name())) return true;
        if (!clean(key, "the name of an argument")) return true;
        if (!args.emplace(key, std::move(held)).second) return complain(name() + " is given twice");
        return true;
    }

    /// What is wrong with a value at the place of `key` in the request itself.
    [[nodiscard]] std::string top_level() const {
        if (key == "args") return "'args' must be an object: {\"role\": \"REG\"}";
        return not_among("key", key, {"command", "args"});
    }

    bool no_value(std::string_view what) {
        if (depth == 2 && in_args)
            return complain(
                fmt::format("{} is {}; it must be a text, a whole number, true or false", name(), what));
        return value(false);
    }

    bool open(std::string_view what) {
        if (depth == 1 && key == "args" && what == "an object") {
            if (std::exchange(has_args, true)) complain("'args' is given twice");
            in_args = true;
        } else if (depth > 0 || what != "an object") {
            no_value(what);
        }
        ++depth;
        return true;
    }

    bool close() {
        --depth;
        if (depth == 1) in_args = false;
        return true;
    }

    bool on_document_begin(Error&) { return true; }
    bool on_document_end(Error&) { return true; }
    bool on_object_begin(Error&) { return open("an object"); }
    bool on_object_end(std::size_t, Error&) { return close(); }
    bool on_array_begin(Error&) { return open("a list"); }
    bool on_array_end(std::size_t, Error&) { return close(); }
    bool on_key_part(json::string_view text, std::size_t, Error&) { return more(text); }
    bool on_key(json::string_view text, std::size_t, Error&) {
        more(text);
        // The name of what is inside something forbidden must not hide the name of that.
        if (depth == 1 || (depth == 2 && in_args)) key = part;
        part.clear();
        return true;
    }
    bool on_string_part(json::string_view text, std::size_t, Error&) { return more(text); }
    bool on_string(json::string_view text, std::size_t, Error&) {
        more(text);
        return value(std::exchange(part, {}));
    }
    bool on_number_part(json::string_view, Error&) { return true; }
    bool on_int64(std::int64_t number, json::string_view, Error&) { return value(number); }
    bool on_uint64(std::uint64_t, json::string_view, Error&) { return no_value("too large a number"); }
    bool on_double(double, json::string_view, Error&) { return no_value("not a whole number, or too large"); }
    bool on_bool(bool flag, Error&) { return value(flag); }
    bool on_null(Error&) { return no_value("null"); }
    bool on_comment_part(json::string_view, Error&) { return true; }
    bool on_comment(json::string_view, Error&) { return true; }

    bool more(json::string_view text) {
        part.append(text.data(), text.size());
        return true;
    }
};

}  // namespace

Request Request::parse(std::string_view line) {
    if (line.size() > max_request)
        throw Malformed(fmt::format("a request has at most {} bytes", max_request));
    json::parse_options options;
    options.max_depth = max_request_depth;
    json::basic_parser<Collector> parser(options);
    json::error_code error;
    const std::size_t used = parser.write_some(false, line.data(), line.size(), error);
    if (!error && used < line.size()) error = json::error::extra_data;
    if (error)
        throw Malformed(fmt::format("byte {} of the request is not JSON ({}); a request is one line: {}",
                                    used + 1, error.message(), R"({"command": "version"})"));
    Collector& found = parser.handler();
    if (!found.wrong.empty()) throw Failure(Code::usage, found.wrong);
    if (!found.has_command) throw Failure(Code::usage, "the request has no 'command'");
    return {std::move(found.command), std::move(found.args)};
}

}  // namespace control
