#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "proxyctl/connection.hpp"
#include "proxyctl/instances.hpp"
#include "proxyctl/output.hpp"

namespace proxyctl {

class Arguments;

/// What an option or an operand may be; for checks and for completion.
enum class Kind {
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
    Kind kind = Kind::flag;
    std::string_view help;
    char letter = '\0';
};

enum class Group { components, sessions, policy, names, logs, health, general };
/// What the server demands: members of control.read-only-group may only look. Mixed: that depends on what is
/// asked for.
enum class Access { local, read, change, mixed };
/// For which instances a command runs: none; one if one is chosen or it is the only one; the chosen ones;
/// the chosen ones, without a choice all.
enum class Scope { none, perhaps, chosen, every };

/// How the whole program was asked to behave.
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
    const Instance* instance = nullptr;  ///< nothing for Scope::none, and perhaps for Scope::perhaps
    Signals* interrupt = nullptr;        ///< nothing when Ctrl-C ends the program

    [[nodiscard]] Patience patience() const { return {settings.timeout, interrupt}; }
    [[nodiscard]] Patience endless() const { return {base::Duration::zero(), interrupt}; }
};

/// What a command takes besides options.
struct Operands {
    std::string_view text;  ///< as help shows them
    std::size_t least = 0, most = 0;
    Kind kind = Kind::text;
};

struct OptionSet {
    std::span<const Option> own;
    bool filters = false;  ///< the filters of sessions too
};

/// A row of the table of commands.
struct Command {
    std::string_view name;
    Group group;
    Access access;
    Scope scope;
    Operands operands;
    OptionSet options;
    int (*run)(Context&, const Arguments&);
    std::string_view help;
};

}  // namespace proxyctl
