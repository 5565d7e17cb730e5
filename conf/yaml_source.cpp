#include "conf/yaml_source.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <optional>
#include <sstream>
#include <utility>

#include "conf/source_text.hpp"

namespace conf {
namespace {

struct Refusal {
    Mark mark;
    std::string text;
};

Mark place_of(const YAML::Mark& mark) {
    return mark.is_null() ? Mark{} : Mark{mark.line + 1, mark.column + 1};
}

/// Builds the tree from the parser's events, so that every bound holds before memory is spent.
class Builder : public YAML::EventHandler {
public:
    Node take() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (++documents_ > 1) refuse(mark, "a second YAML document begins here (expected one document)");
    }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        add(make(Node::Kind::null, mark, "?", anchor));
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        refuse(mark, "aliases are not allowed (write the value out; a '*' of your own goes into quotes)");
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
        throw Refusal{place_of(mark), std::move(text)};
    }

    Node make(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
        if (anchor != YAML::NullAnchor) {
            refuse(mark, "anchors are not allowed (write the value out; a '&' of your own goes into quotes)");
        }
        if (!tag.empty() && tag != "?" && tag != "!") {
            refuse(mark,
                   "YAML tags are not allowed (text that begins with '!' goes into quotes: \"!10.0.0.0/8\")");
        }
        if (++nodes_ > max_source_nodes) refuse(mark, "the file has more than 250000 values");
        Node node;
        node.kind = kind;
        node.mark = place_of(mark);
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
        // The parser places a missing value at what comes next, which may be lines below its key.
        const bool is_missing = parent.kind == Node::Kind::map && !is_key && node.kind == Node::Kind::null;
        if (is_missing) node.mark = parent.keys.back().mark;
        (is_key ? parent.keys : parent.items).push_back(std::move(node));
    }

    Node root_;
    std::vector<Node> open_;
    std::size_t nodes_ = 0;
    int documents_ = 0;
};

Error error_at(Mark mark, std::string text) {
    return {mark.line, mark.column, "", std::move(text)};
}

/// The parser notices such a mistake only behind its place, and in words of its grammar.
std::string_view likely_cause(std::string_view message) {
    if (message == "end of map flow not found") return " (most likely a '}' is missing before this place)";
    if (message == "end of sequence flow not found")
        return " (most likely a ']' is missing before this place)";
    if (message == "end of map not found" || message == "end of sequence not found")
        return " (most likely this line is indented more or less than its neighbours, or a quote is open)";
    return "";
}

/// yaml-cpp's words, and what most often lies behind them: a character that YAML keeps for itself.
std::string explain(std::string_view text, Mark mark, const std::string& message) {
    // The parser sees that '*' names no alias one character behind it.
    const bool behind = character_at(text, {mark.line, mark.column - 1}) == '*';
    const char c = behind ? '*' : character_at(text, mark);
    if (c == '@' || c == '*' || c == '%' || c == '`' || c == '&' || c == '!') {
        return "text that begins with '" + std::string(1, c) + "' must be in quotes";
    }
    return "not valid YAML: " + message + std::string(likely_cause(message));
}

}  // namespace

std::variant<Node, Error> parse_yaml(std::string_view text) {
    if (text.size() > max_source_bytes) return error_at({0, 0}, "the file is larger than 1 MiB");
    if (auto flaw = find_flaw(text)) return error_at(flaw->mark, flaw->text);
    try {
        std::istringstream stream{std::string(text)};
        YAML::Parser parser(stream);
        Builder builder;
        while (parser.HandleNextDocument(builder)) {
        }
        return builder.take();
    } catch (const Refusal& refusal) {
        return error_at(refusal.mark, refusal.text);
    } catch (const YAML::Exception& failure) {
        const Mark mark = place_of(failure.mark);
        return error_at(mark, explain(text, mark, failure.msg));
    }
}

}  // namespace conf
