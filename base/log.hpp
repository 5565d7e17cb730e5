#pragma once

#include <fmt/core.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log_settings.hpp"
#include "base/messages.hpp"

/// The log of this process. spdlog lives behind it. Text lines are
/// `TIME NAME[ROLE] PID ID message`, JSON lines one object with the same parts.
///
/// A write never waits for a slow target when `background` is on: lines go through a bounded queue to a
/// writer thread, what does not fit is counted and reported (LOGS-230-W). Without it (the parent has no
/// threads) the line is written at once to a non-blocking descriptor.
///
/// A line has at most 8 KiB; longer ones are cut, with `…` where it happened (K-68). Control characters of
/// the text are escaped here, so no caller can forget it. Before open() nothing is written.
namespace base::log {

class Channels;
struct WireLine;

/// A key and its value in a statistics record; `quoted` is false for numbers.
struct Field {
    std::string_view key;
    std::string value;
    bool quoted = true;
};

/// Opens the target. Throws std::runtime_error with the path and reason when it cannot be opened.
/// `owner` (uid or -1): the user that must be able to reopen the file later.
void open(const LogSettings& settings, std::string_view instance, bool foreground, int owner = -1);

/// Instead: the lines go to another process (LOG), which opens the target. `channels` must outlive the log.
void open(const LogSettings& settings, std::string_view instance, bool foreground, Channels& channels);

/// Writes a line of another process; in LOG only.
void relay(const WireLine& line, std::string_view role, int pid);

/// After a fork: the child's lines carry `role`, and its own queue and thread start when `background`.
void become(std::string_view role, bool background);

/// Waits until the queue is written, at most a second: for a process that logs more at once than the queue
/// holds and forwards no datagrams meanwhile. False when the target is slower than that.
bool drain();

/// Writes the queue (bounded to a second) and stops the writer thread. Call it before _exit.
void flush_and_close();

/// Reopens the file (SIGWINCH, K-18). The old file is kept when the new one cannot be opened, and that is
/// logged.
void reopen();

[[nodiscard]] LogLevel level();
/// One step up or down, within 3..9; every change logs one line (K-16).
void raise_level();
void lower_level();
void set_level(LogLevel level);

namespace detail {
/// The current level, 0 while no target is open.
extern std::atomic<int> threshold;
/// Asks the budget of the message's id (K-65); reports what was left out before.
bool admit(const Message& message);
/// Writes without asking level or budget.
void put_line(const Message& message, std::string_view text);
}  // namespace detail

/// One compare: what is switched off costs nothing.
[[nodiscard]] inline bool enabled(const Message& message) {
    return static_cast<int>(message.level()) <= detail::threshold.load(std::memory_order_relaxed);
}

/// True if another process writes the lines.
[[nodiscard]] bool is_relayed();
/// True if lines appear on standard error.
[[nodiscard]] bool is_on_standard_error();
/// The descriptors that the log needs: a process must keep them when it closes all others. They differ before
/// and after become().
[[nodiscard]] std::vector<int> descriptors();

/// Lines that a full queue or a failing target swallowed since the start.
[[nodiscard]] std::uint64_t lost();

/// Writes when level and budget allow it.
void write_line(const Message& message, std::string_view text);
/// One record: `KEY=value` pairs in the text form, members of the object in JSON. Not subject to a budget.
void write_record(const Message& message, const std::vector<Field>& fields);

/// The usual call: `log::write(msg::listener_failed, "{}: bind: {}", endpoint, reason)`.
template <typename... Args>
void write(const Message& message, fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(message) && detail::admit(message))
        detail::put_line(message, fmt::format(format, std::forward<Args>(args)...));
}

/// The first `dump-limit` bytes of a datagram in hexadecimal, at level 9 only (K-69).
void dump(std::string_view what, std::span<const std::byte> bytes);

}  // namespace base::log
