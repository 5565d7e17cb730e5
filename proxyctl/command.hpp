#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libudpserver/control/request.hpp"
#include "proxyctl/connection.hpp"
#include "proxyctl/instances.hpp"
#include "proxyctl/output.hpp"

namespace proxyctl {

class Arguments;

/// What an option or an operand may be; for checks and for completion.
enum class ArgumentType {
    flag,
    text,
    number,
    duration,
    rule,
    role,
    key,
    kill,
    session,
    signal,
    command,
    log,
    explain
};

/// `--name VALUE`, or `-l VALUE` when it has a letter.
struct Option {
    std::string_view name;
    std::string_view value;  ///< how help names the value; empty for a flag
    ArgumentType type = ArgumentType::flag;
    std::string_view help;
    char letter = '\0';
};

/// What a command takes besides options.
struct Operands {
    std::string_view text;  ///< as help shows them
    std::size_t min = 0, max = 0;
    ArgumentType type = ArgumentType::text;
};

enum class Group { components, sessions, policy, names, logs, health, general };
/// The permission that the server demands: members of control.read-only-group may only read. Mixed: it
/// depends on the arguments.
enum class Access { local, read, change, mixed };
/// The instances that a command is run for: none (it may find them itself), the selected ones or the only
/// one, or these if there are any.
enum class Scope { none, selected, optional };

/// The global options.
struct Settings {
    bool json = false;
    bool color = true;
    base::Duration timeout = std::chrono::seconds(10);
    bool timeout_given = false;
    Selection selection;
    Places places;
};

/// What a command works with.
struct Context {
    const Settings& settings;
    Output& out;
    const Instance* instance = nullptr;  ///< null for Scope::none, possibly for Scope::optional
    Signals* interrupt = nullptr;        ///< null when Ctrl-C ends the program

    [[nodiscard]] Timeout timeout() const { return {settings.timeout, interrupt}; }
    [[nodiscard]] Timeout no_timeout() const { return {base::Duration::zero(), interrupt}; }
};

/// A row of the table of commands.
struct Command {
    std::string_view name;
    Group group;
    Access access;
    Scope scope;
    Operands operands;
    std::span<const Option> options;
    int (*run)(Context&, const Arguments&);
    std::string_view help;
    bool has_filters = false;  ///< takes the session filters too

    /// Whether the name of an instance may follow: `start gw` for `gw start`.
    [[nodiscard]] constexpr bool takes_instance() const {
        return operands.max == 0 && (scope != Scope::none || access == Access::read);
    }
};

constexpr bool with_filters = true;

/// Limits of what a user types (K-72).
constexpr std::size_t max_argument = 1024;
constexpr std::size_t max_arguments = 100;
/// The shortest `--interval`.
constexpr base::Duration min_interval = std::chrono::milliseconds(100);

/// The options that choose sessions. The first five also choose events.
inline constexpr Option session_filters[] = {
    {"from", "ADDRESS", ArgumentType::text, "clients in this address, network or port"},
    {"to", "ADDRESS", ArgumentType::text, "this local address or port"},
    {"server", "ADDRESS", ArgumentType::text, "this server"},
    {"rule", "NAME", ArgumentType::rule, "decided by this rule"},
    {"listener", "ADDRESS", ArgumentType::text, "this listener"},
    {"type", "TYPE", ArgumentType::text, "one-way, normal, any-port, any-sock or broadcast"},
    {"state", "STATE", ArgumentType::text, "answered or unanswered"},
    {"older", "TIME", ArgumentType::duration, "opened at least this long ago"},
    {"idle", "TIME", ArgumentType::duration, "no datagram for at least this long"},
};

/// For commands that call show_at_interval().
inline constexpr Option interval_option[] = {
    {"interval", "TIME", ArgumentType::duration, "repeat, with the change per second; Ctrl-C stops"}};

/// The arguments of a command, checked against its row of the table.
class Arguments {
public:
    /// Options may stand anywhere, as `--name value`, `--name=value` or an unambiguous abbreviation of the
    /// name; after `--` everything is an operand. Every command knows `--json`. Throws a Failure with the
    /// usage.
    Arguments(const Command& command, const std::vector<std::string>& words);

    [[nodiscard]] const std::vector<std::string>& operands() const { return operands_; }
    /// The name of an instance after the command, if it takes one and was given one.
    [[nodiscard]] std::optional<std::string> instance() const;
    [[nodiscard]] bool has(std::string_view option) const { return find(option) != nullptr; }
    [[nodiscard]] std::optional<std::string> text(std::string_view option) const;
    [[nodiscard]] std::optional<std::int64_t> number(std::string_view option) const;
    [[nodiscard]] std::optional<base::Duration> duration(std::string_view option) const;
    /// `--interval`; throws a Failure if it is shorter than min_interval.
    [[nodiscard]] std::optional<base::Duration> interval() const;
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

/// Throws a Failure for too many or too long arguments.
void check_limits(const std::vector<std::string>& words);

/// The session filters that were given, as request arguments: `--older 5m` becomes `older_ms: 300000`.
control::Args filter_args(const Arguments& arguments);

/// `from 10.1.2.3 to 10.0.1.1:53 at Mon 08:30 dscp 46` as request arguments, whose values the server checks.
/// Throws a Failure for unknown and missing words.
control::Args explain_args(const std::vector<std::string>& words);

/// The command's own options, and the session filters if it takes them.
std::vector<Option> options_of(const Command& command);

/// `sessions [FILTER ...] [--sort KEY]`.
std::string usage_of(const Command& command);

/// `  --lines, -n N          tail: the number of lines`.
std::string help_line(const Option& option);

/// A whole number without a sign, otherwise nothing.
std::optional<std::int64_t> whole_number(std::string_view text);

/// The words that ArgumentType::role, signal and log stand for.
inline constexpr std::string_view roles[] = {"REG", "ACR", "APR", "parent", "all"};
inline constexpr std::string_view signal_names[] = {"USR1", "USR2", "WINCH", "INFO",
                                                    "HUP",  "TERM", "INT",   "QUIT"};
inline constexpr std::string_view log_levels[] = {"error", "warning", "notice", "normal",
                                                  "debug", "trace",   "full"};

/// A word of `roles` as the server spells it.
std::optional<std::string> role_of(std::string_view word);
/// A word of `signal_names` for `term` or `SIGTERM`; INFO for PWR.
std::optional<std::string> signal_of(std::string_view word);
/// 3 to 9, as a number or as a word of `log_levels`.
std::optional<std::int64_t> level_of(std::string_view word);
/// A session's id, SLOT.GENERATION.
bool is_session_id(std::string_view word);

}  // namespace proxyctl
