#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proxyctl/command.hpp"

namespace proxyctl {

/// The arguments of a command, checked against what the table declares.
class Arguments {
public:
    /// Options may stand anywhere, as `--name value`, `--name=value` or an unambiguous beginning of the name;
    /// after `--` everything is an operand. Throws a Failure with the command's usage. `--json` is known to
    /// every command.
    Arguments(const Command& command, const std::vector<std::string>& words);

    [[nodiscard]] const std::vector<std::string>& operands() const { return operands_; }
    [[nodiscard]] bool has(std::string_view option) const { return find(option) != nullptr; }
    [[nodiscard]] std::optional<std::string> text(std::string_view option) const;
    [[nodiscard]] std::optional<std::int64_t> number(std::string_view option) const;
    [[nodiscard]] std::optional<base::Duration> duration(std::string_view option) const;
    [[nodiscard]] bool json() const { return json_; }

private:
    [[nodiscard]] const std::string* find(std::string_view option) const;
    void take_option(const std::string& word, const std::vector<std::string>& words, std::size_t& next);
    void set(const Option& option, const std::string& value);

    const Command& command_;
    std::vector<std::string> operands_;
    std::vector<std::pair<std::string_view, std::string>> values_;
    bool json_ = false;
};

/// All options that a command takes: its own and, if it takes them, the filters of sessions.
std::vector<Option> options_of(const Command& command);

/// `sessions [FILTER...] [--sort KEY]`.
std::string usage_of(const Command& command);

/// A whole number without sign; nothing for anything else.
std::optional<std::int64_t> whole_number(std::string_view text);

}  // namespace proxyctl
