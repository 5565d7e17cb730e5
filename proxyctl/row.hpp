#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace control {
struct Member;
}

namespace proxyctl {

struct Field;

/// A value of an answer as plain data.
struct Value {
    enum class Kind { null, boolean, integer, real, text, list, object };
    Kind kind = Kind::null;
    bool boolean = false;
    std::int64_t integer = 0;
    double real = 0;
    std::string text;
    std::vector<Field> members;  ///< of a list without names

    static Value of(bool value);
    static Value of(std::int64_t value);
    static Value of(std::string value);
    static Value of(const char* value) { return of(std::string(value)); }

    [[nodiscard]] bool is_number() const { return kind == Kind::integer || kind == Kind::real; }
    /// 0 for what is no number.
    [[nodiscard]] double number() const;
};

struct Field {
    std::string name;
    Value value;
};
using Fields = std::vector<Field>;

/// A row of an answer, or one of the same form that was made here.
class Row {
public:
    /// `line`: as it was received.
    Row(const std::vector<control::Member>& members, std::string line);
    explicit Row(Fields fields) : fields_(std::move(fields)) {}

    [[nodiscard]] const Value* find(std::string_view name) const;
    /// The text of a field that is one, otherwise nothing of it.
    [[nodiscard]] std::string text(std::string_view name) const;
    /// Nothing when the field is not there or is no whole number.
    [[nodiscard]] std::optional<std::int64_t> number(std::string_view name) const;
    [[nodiscard]] const Fields& fields() const { return fields_; }
    void add(std::string name, Value value) { fields_.push_back({std::move(name), std::move(value)}); }

    /// The JSON of it, as it was received.
    [[nodiscard]] std::string line() const;

private:
    Fields fields_;
    std::string line_;
};

}  // namespace proxyctl
