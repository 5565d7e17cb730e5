#pragma once

#include <span>
#include <string_view>

#include "base/log_settings.hpp"

namespace base {

/// One entry of the catalogue: what users may rely on. `id` is stable over versions (K-65).
struct Message {
    std::string_view id;       ///< `CCCC-NNN-L`; L is the severity: C E W N I K D
    unsigned budget;           ///< lines a second (burst five times that); 0: no bound (statistics)
    std::string_view meaning;  ///< what happened, for the man page
    std::string_view remedy;   ///< what to do about it, for the man page

    [[nodiscard]] constexpr char severity() const { return id.back(); }
    /// The level from which on the message is written; I, N and C are written at every level.
    /// Known to the compiler, so that a message that is switched off costs one compare.
    [[nodiscard]] constexpr LogLevel level() const {
        switch (severity()) {
            case 'W':
                return LogLevel::warning;
            case 'K':
                return LogLevel::normal;
            case 'D':  // the LOGS-8xx messages are the finer half of debugging
                return id.starts_with("LOGS-8") ? LogLevel::trace : LogLevel::debug;
            default:
                return LogLevel::error;
        }
    }
};

/// The constants of the catalogue, `msg::crash_loop` and so on, one for each line of messages.def.
namespace msg {
#define MESSAGE(name, id, budget, meaning, remedy) inline constexpr Message name{id, budget, meaning, remedy};
#include "base/messages.def"
#undef MESSAGE
}  // namespace msg

/// All of them, in the order of the file.
std::span<const Message* const> all_messages();

}  // namespace base
