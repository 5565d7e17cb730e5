#pragma once

#include <string>
#include <string_view>

#include "proxyctl/table.hpp"

namespace proxyctl {

/// The standard output: tables and lines for people, or JSON as received. Only a terminal gets colours, cut
/// lines, and JSON with its invisible characters escaped.
class Output {
public:
    /// NO_COLOR and dumb terminals switch colours off too.
    Output(bool json, bool color);

    [[nodiscard]] bool json() const { return json_; }

    /// Text that is already safe for a terminal, and a newline.
    void line(std::string_view text, Tone tone = Tone::plain);
    void table(const Table& table);
    /// A line for each field; members of an object are indented.
    void fields(const Row& row);
    void row_line(const Row& row);
    /// Following JSON rows begin with the name of their instance.
    void set_instance(const std::string& name);
    /// False if a write failed.
    bool flush();

private:
    void members(const Fields& fields, std::size_t indent);

    bool json_;
    bool terminal_;
    bool color_;
    std::string instance_;  ///< `"instance":"gw",`, or empty
};

/// Prints `proxyctl: LINE` to the standard error for each line of the text, escaped.
void print_error(std::string_view text);

}  // namespace proxyctl
