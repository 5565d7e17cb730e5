#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace control {
struct AnswerLine;
}

namespace proxyctl {

struct Field;

/// A JSON value as plain data. Converts from what a row is made of.
struct Value {
    enum class Kind { null, boolean, integer, real, text, list, object };
    Kind kind = Kind::null;
    bool boolean = false;
    std::int64_t integer = 0;
    double real = 0;
    std::string text;
    std::vector<Field> members;  ///< the items of a list have no names

    Value() = default;
    Value(bool value);
    Value(std::int64_t value);
    Value(double value);
    Value(std::string value);
    Value(std::string_view value);
    Value(const char* value);

    [[nodiscard]] bool is_number() const { return kind == Kind::integer || kind == Kind::real; }
    /// 0 if it is not a number.
    [[nodiscard]] double number() const;
};

struct Field {
    std::string name;
    Value value;
};
using Fields = std::vector<Field>;

/// A row of an answer, or one made by proxyctl.
class Row {
public:
    /// `line`: the JSON as received.
    Row(const control::AnswerLine& answer, std::string line);
    explicit Row(Fields fields) : fields_(std::move(fields)) {}

    [[nodiscard]] const Value* find(std::string_view name) const;
    /// Empty if the field is missing or not a text.
    [[nodiscard]] std::string text(std::string_view name) const;
    /// Nothing if the field is missing or not a whole number.
    [[nodiscard]] std::optional<std::int64_t> number(std::string_view name) const;
    [[nodiscard]] const Fields& fields() const { return fields_; }
    void add(std::string name, Value value) {
        fields_.push_back({std::move(name), std::move(value)});
        line_.clear();
    }

    /// The JSON of the row, as received if it was and nothing was added.
    [[nodiscard]] std::string line() const;

private:
    Fields fields_;
    std::string line_;
};

}  // namespace proxyctl
