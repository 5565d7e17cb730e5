#pragma once

#include <cstdint>
#include <string_view>

/// The life of a supervised child as a table: state × event → action, next state. child.cpp performs the
/// actions; the test checks every cell.
namespace process {

enum class ChildState : std::uint8_t {
    down,       ///< no process; perhaps one starts after a delay
    starting,   ///< forked, not ready yet
    up,         ///< ready
    failing,    ///< being killed for a fault; restarts afterwards
    replacing,  ///< asked to leave its work to a new process, which starts when this one has exited
    stopping,   ///< asked to stop, or to leave; does not restart
};
inline constexpr std::size_t child_state_count = 6;

enum class ChildEvent : std::uint8_t {
    start,           ///< the child is to start, or its restart delay has passed
    forked,          ///< its process exists
    fork_failed,     ///< its process could not be created
    ready,           ///< it reported that it is ready
    died,            ///< its process has exited
    heartbeat_lost,  ///< it did not answer pings in time
    link_lost,       ///< its link was closed, by either side
    timeout,         ///< it did not exit in time
    replace,         ///< a new process is to take over its work
    leave,           ///< it is to leave its work to a process that is started later
    stop,            ///< it is to finish its work and exit
    kill,            ///< it is to be killed
};
inline constexpr std::size_t child_event_count = 12;

enum class ChildAction : std::uint8_t {
    none,
    fork,          ///< start a process
    watch,         ///< begin to send pings
    retry_later,   ///< retry the fork after a delay
    report_ready,  ///< report to the supervisor
    abort,         ///< SIGABRT, for a core file; SIGKILL after a timeout
    await_exit,    ///< it probably exits by itself; SIGKILL after a timeout
    restart,       ///< count the crash, restart after the delay of its policy
    terminate,     ///< SIGTERM; SIGKILL after a timeout
    replace,       ///< start the next process: the old one has left
    request_stop,  ///< send Stop; SIGTERM, then SIGKILL after timeouts
    escalate,      ///< send the next harder signal
    kill,          ///< SIGKILL
    cancel_start,  ///< cancel a pending start
    report_exit,   ///< it exited as requested: report to the supervisor
};
inline constexpr std::size_t child_action_count = 15;

struct ChildStep {
    ChildAction action;
    ChildState next;
    bool operator==(const ChildStep&) const = default;
};

/// The cell of the table. An event that does not apply in a state has no action and keeps the state.
ChildStep child_step(ChildState state, ChildEvent event);

std::string_view to_string(ChildState state);
std::string_view to_string(ChildEvent event);

}  // namespace process
