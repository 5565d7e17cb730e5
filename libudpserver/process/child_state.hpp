#pragma once

#include <cstdint>
#include <string_view>

/// What happens to a supervised child, as a table: each state has an answer to each event. child.cpp does
/// what the table says; the test looks at every cell.
namespace process {

enum class ChildState : std::uint8_t {
    down,       ///< no process; perhaps one is to be started after a pause
    starting,   ///< forked, not ready yet
    up,         ///< ready
    failing,    ///< has a fault and is made to end; a new one follows
    replacing,  ///< was asked to leave its work to the next one, which follows at once
    stopping,   ///< was asked to end, or to leave; no new one follows
};
inline constexpr std::size_t child_state_count = 6;

enum class ChildEvent : std::uint8_t {
    start,           ///< it is time to start the child
    forked,          ///< its process exists
    fork_failed,     ///< its process could not be made
    ready,           ///< it said so
    died,            ///< its process has ended
    heartbeat_lost,  ///< it was silent for too long
    link_lost,       ///< its link ended or was closed because of a bad message
    patience_over,   ///< it did not end within the time it was given
    replace,         ///< it shall make room for a new process of its role
    leave,           ///< it shall leave its work to a process that others start
    stop,            ///< it shall end, in order
    kill,            ///< it shall end at once
};
inline constexpr std::size_t child_event_count = 12;

enum class ChildAction : std::uint8_t {
    none,
    fork,          ///< start a process
    watch,         ///< begin to send pings
    retry_later,   ///< try the fork again after a pause
    report_ready,  ///< tell the supervisor
    abort,         ///< SIGABRT for a core file; SIGKILL when that is not enough
    wait_for_end,  ///< it probably ends by itself; SIGKILL when it does not
    restart,       ///< count the death, start a new process after the pause of its policy
    ask_to_leave,  ///< send SIGTERM; later SIGKILL
    replace,       ///< start the next process: the old one has left
    ask_to_end,    ///< send Stop; later SIGTERM, later SIGKILL
    escalate,      ///< the next harder signal
    kill,          ///< SIGKILL
    stay_down,     ///< forget the pending start
    lay_to_rest,   ///< it ended as asked
};
inline constexpr std::size_t child_action_count = 15;

struct ChildStep {
    ChildAction action;
    ChildState next;
    bool operator==(const ChildStep&) const = default;
};

/// The cell of the table. An event that means nothing in a state leaves it as it is, without an action.
ChildStep child_step(ChildState state, ChildEvent event);

std::string_view to_string(ChildState state);
std::string_view to_string(ChildEvent event);

}  // namespace process
