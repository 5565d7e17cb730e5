#pragma once

#include <csignal>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.hpp"

/// Signals only say that something happened: a handler counts and wakes the loop, the loop acts at a defined
/// point (O-4).
namespace base {

enum class SignalAction { end, level_up, level_down, reopen, info, child, ignore };

/// A row of the table of all signals that proxyd handles; those that stop the process are first, the
/// strongest at the top.
struct HandledSignal {
    int number;
    std::string_view name;  ///< without SIG
    SignalAction action;
};
std::span<const HandledSignal> handled_signals();

/// `TERM`; `signal 11` for one that is not in the table.
std::string signal_name(int number);

/// The signal with the same meaning of which each one arrives: several USR1 to a process that cannot run just
/// then are one to the kernel, and a child would miss steps that its parent took (K-15). Others stay as they
/// are.
int queued_signal(int number);

/// The signals received since the last call, in the order in which they are handled (O-5).
struct TakenSignals {
    int end = 0;                            ///< the strongest signal that stops the process; 0: none
    unsigned ends = 0;                      ///< number of stopping signals: the second one kills at once
    std::vector<int> ignored;               ///< weaker stopping signals; they are only logged
    unsigned level_up = 0, level_down = 0;  ///< counted: no step is lost
    unsigned reopen = 0, info = 0;
    bool child = false;

    /// Steps up less steps down: their order is unknown, and applied one by one some would be lost at the
    /// ends of the scale.
    [[nodiscard]] int level_steps() const {
        return static_cast<int>(level_up) - static_cast<int>(level_down);
    }
};

/// Receives the process's signals. One inbox is active in a process: the one that was constructed last. A
/// child constructs its own before it unblocks signals, and so sees nothing of what its parent got.
class SignalInbox {
public:
    /// Installs the handlers, forgets all counts. Throws std::system_error when there is no descriptor left.
    SignalInbox();
    ~SignalInbox();
    SignalInbox(const SignalInbox&) = delete;
    SignalInbox& operator=(const SignalInbox&) = delete;

    /// Readable when there is something to take; non-blocking, closed on exec.
    [[nodiscard]] int descriptor() const { return wake_.get(); }
    TakenSignals take();

private:
    UniqueFd wake_;
};

/// Blocks all signals in this thread, for good: worker threads leave them to the main thread.
void block_all();
/// No signal is blocked any more; the mask of a process that was started may hold anything.
void unblock_all();
/// Handled signals act as in a fresh process, and none is blocked: before exec.
void reset_to_default();

/// Blocks all signals in this thread for its own lifetime: around a fork, so that none is lost or kills the
/// newborn, and around the start of a thread.
class BlockSignals {
public:
    BlockSignals();
    ~BlockSignals();
    BlockSignals(const BlockSignals&) = delete;
    BlockSignals& operator=(const BlockSignals&) = delete;

private:
    sigset_t before_;
};

}  // namespace base
