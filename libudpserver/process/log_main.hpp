#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/log_channels.hpp"
#include "base/log_settings.hpp"
#include "base/privileges.hpp"

namespace process {

/// The process that writes the log, and the channel of a program that is tried out.
inline constexpr const char* log_role = "LOG";
inline constexpr const char* candidate_role = "candidate";

/// What the process that writes the log works with.
struct LogSetup {
    std::string name;  ///< of the instance
    base::LogSettings log;
    bool foreground = true;
    std::optional<base::User> user;  ///< it becomes this user when the target is open
    /// The work of its second thread: reads the packets of this descriptor and may wait for another disk.
    std::function<void(int receiver)> other_work;
    /// Enters the sandbox, when the target is open and the user has changed.
    std::function<void()> confine = {};
    /// In the parent, after it was killed for a forbidden system call: the name of the call.
    std::function<std::string()> forbidden_call = {};
};

/// What LOG and its parent say to each other.
namespace log_words {
inline constexpr std::string_view opened = "o";     ///< LOG has opened the target
inline constexpr std::string_view failed = "e";     ///< it could not; the reason follows
inline constexpr std::string_view end_proxy = "x";  ///< the target is lost, and proxyd is to stop for that
inline constexpr std::string_view go = "g";         ///< write lines: no other LOG does
inline constexpr std::string_view stop = "s";       ///< exit after the line that is being written
inline constexpr std::string_view finish = "f";     ///< write what the channels hold, then exit
}  // namespace log_words

/// The main function of LOG, the only process that has the log open: a disk that hangs stops nobody else. It
/// opens the target with the privileges of the parent, before it reads anything, and then drops them. It
/// exits when it is told to, or when no process is left that could log; signals do not end it.
[[noreturn]] void log_main(const LogSetup& setup, base::log::Channels& channels, int control,
                           int other_receiver);

}  // namespace process
