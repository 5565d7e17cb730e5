#pragma once

#include <string>
#include <string_view>

#include "proxyctl/table.hpp"

namespace proxyctl {

/// The standard output: tables and lines for people, or JSON as it was received. Colours and cutting only on
/// a terminal.
class Output {
public:
    /// `json`: rows as they are. Colours are off with `color` false, NO_COLOR, or a terminal without them.
    Output(bool json, bool color);

    [[nodiscard]] bool json() const { return json_; }
    void set_json(bool json) { json_ = json; }
    [[nodiscard]] bool terminal() const { return terminal_; }
    /// Columns of the terminal; 0 when it is none.
    [[nodiscard]] std::size_t width() const;

    /// Text that is safe, and a newline.
    void line(std::string_view text, Tone tone = Tone::plain);
    void table(const Table& table);
    /// Names to the left, values to the right; objects within are indented.
    void fields(const Row& row);
    void row_line(const Row& row);
    /// From now on rows belong to one of several instances: each says which, in front.
    void set_instance(const std::string& name);
    /// False when something could not be written.
    bool flush();

private:
    void members(const Fields& fields, std::size_t indent);

    bool json_;
    bool terminal_;
    bool color_;
    std::string instance_;  ///< `"instance":"gw",`, or empty
};

/// A remark or a complaint on the standard error: `proxyctl: TEXT`.
void remark(std::string_view text);

}  // namespace proxyctl
