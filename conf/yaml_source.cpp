#include "conf/yaml_source.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <optional>
#include <sstream>
#include <utility>

#include "base/utf8.hpp"

namespace conf {
namespace {

Mark mark_at(const YAML::Mark& mark) {
    return mark.is_null() ? Mark{} : Mark{mark.line + 1, mark.column + 1};
}

Error error_at(Mark mark, std::string text) {
    return {mark.line, mark.column, "", std::move(text)};
}

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// `U+00A0 (no-break space)`, or `'\xff'` for a byte that is no character.
std::string name_of_first(std::string_view text) {
    const base::Character character = base::first_character(text);
    return character.length > 1 ? base::name_of_invisible(character.code)
                                : "'" + base::escaped(text.front()) + "'";
}

/// The first control character, broken UTF-8 sequence, invisible character (such a file reads like another
/// one), or tab in an indentation: before the YAML parser runs.
std::optional<Error> find_text_error(std::string_view text) {
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    Mark mark;
    bool indentation = true;
    while (!text.empty()) {
        const char c = text.front();
        const std::size_t length = is_blank(c) ? 1 : base::visible_character(text);
        if (length == 0)
            return error_at(mark, "invalid character " + name_of_first(text) + " (expected visible UTF-8)");
        if (c == '\t' && indentation) return error_at(mark, "a tab in the indentation (expected spaces)");
        indentation = c == '\n' || (indentation && c == ' ');
        mark = c == '\n' ? Mark{mark.line + 1, 1} : Mark{mark.line, mark.column + static_cast<int>(length)};
        text.remove_prefix(length);
    }
    return std::nullopt;
}

/// The character at a position of the text; 0 if there is none.
char character_at(std::string_view text, Mark mark) {
    std::size_t at = 0;
    for (int line = 1; line < mark.line; ++line) {
        at = text.find('\n', at);
        if (at == std::string_view::npos) return 0;
        ++at;
    }
    if (mark.column < 1) return 0;
    at += static_cast<std::size_t>(mark.column - 1);
    return at < text.size() ? text[at] : '\0';
}

/// Builds the tree from the parser's events, so that the limits hold before memory is used.
class Builder : public YAML::EventHandler {
public:
    Node take() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (++documents_ > 1) refuse(mark, "a second YAML document starts here (expected one document)");
    }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        add(make(Node::Kind::null, mark, "?", anchor));
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        refuse(mark, "aliases are not allowed (repeat the value; quote text that starts with '*')");
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        Node node = make(Node::Kind::scalar, mark, tag, anchor);
        node.text = value;
        add(std::move(node));
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(make(Node::Kind::sequence, mark, tag, anchor), mark);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(make(Node::Kind::map, mark, tag, anchor), mark);
    }
    void OnMapEnd() override { close(); }

private:
    [[noreturn]] static void refuse(const YAML::Mark& mark, std::string text) {
        throw error_at(mark_at(mark), std::move(text));
    }

    Node make(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
        if (anchor != YAML::NullAnchor) {
            refuse(mark, "anchors are not allowed (repeat the value; quote text that starts with '&')");
        }
        if (!tag.empty() && tag != "?" && tag != "!") {
            refuse(mark, "YAML tags are not allowed (quote text that starts with '!': \"!10.0.0.0/8\")");
        }
        if (++nodes_ > max_source_nodes) refuse(mark, "the file has more than 250000 values");
        Node node;
        node.kind = kind;
        node.mark = mark_at(mark);
        return node;
    }

    void open(Node node, const YAML::Mark& mark) {
        if (open_.size() == max_source_depth) refuse(mark, "the file is nested deeper than 32 levels");
        open_.push_back(std::move(node));
    }

    void close() {
        Node done = std::move(open_.back());
        open_.pop_back();
        add(std::move(done));
    }

    void add(Node node) {
        if (open_.empty()) {
            root_ = std::move(node);
            return;
        }
        Node& parent = open_.back();
        const bool is_key = parent.kind == Node::Kind::map && parent.keys.size() == parent.items.size();
        // The parser positions a missing value at the next token, which may be lines below its key.
        const bool is_missing = parent.kind == Node::Kind::map && !is_key && node.kind == Node::Kind::null;
        if (is_missing) node.mark = parent.keys.back().mark;
        (is_key ? parent.keys : parent.items).push_back(std::move(node));
    }

    Node root_;
    std::vector<Node> open_;
    std::size_t nodes_ = 0;
    int documents_ = 0;
};

/// The parser detects such an error only after its position, and reports it in terms of its grammar.
std::string_view likely_cause(std::string_view message) {
    if (message == "end of map flow not found") return " (probably a '}' is missing before this position)";
    if (message == "end of sequence flow not found")
        return " (probably a ']' is missing before this position)";
    if (message == "end of map not found" || message == "end of sequence not found")
        return " (probably this line is indented differently from its neighbours, or a quote is not closed)";
    if (message == "illegal map value")
        return " (probably a key above lacks the blank after its ':', this line is indented more than its "
               "neighbours, or a text with ': ' is not quoted)";
    if (message == "illegal map key" || message == "illegal block entry")
        return " (probably this line is indented more than its neighbours, or text precedes it)";
    if (message == "illegal flow end")
        return " (probably this bracket is one too many, or its '[' or '{' is missing)";
    if (message == "illegal EOF in scalar") return " (probably a quote is not closed)";
    return "";
}

/// yaml-cpp's message, or its most frequent cause: a character that YAML reserves.
std::string explain(std::string_view text, Mark mark, const std::string& message) {
    // The parser reports an unknown alias one character after its '*'.
    const bool behind = character_at(text, {mark.line, mark.column - 1}) == '*';
    const char c = behind ? '*' : character_at(text, mark);
    if (c == '@' || c == '*' || c == '%' || c == '`' || c == '&' || c == '!') {
        return "text that starts with '" + std::string(1, c) + "' must be quoted";
    }
    return "invalid YAML: " + message + std::string(likely_cause(message));
}

}  // namespace

std::variant<Node, Error> parse_yaml(std::string_view text) {
    if (text.size() > max_source_bytes) return error_at({0, 0}, "the file is larger than 1 MiB");
    if (auto error = find_text_error(text)) return *error;
    try {
        std::istringstream stream{std::string(text)};
        YAML::Parser parser(stream);
        Builder builder;
        while (parser.HandleNextDocument(builder)) {
        }
        return builder.take();
    } catch (const Error& refused) {
        return refused;
    } catch (const YAML::Exception& failure) {
        const Mark mark = mark_at(failure.mark);
        return error_at(mark, explain(text, mark, failure.msg));
    }
}

}  // namespace conf
