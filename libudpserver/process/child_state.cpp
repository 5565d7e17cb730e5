#include "libudpserver/process/child_state.hpp"

#include <array>

namespace process {
namespace {

using S = ChildState;
using E = ChildEvent;
using A = ChildAction;
using Table = std::array<std::array<ChildStep, child_event_count>, child_state_count>;

struct Cell {
    S state;
    E event;
    A action;
    S next;
};

// An event without a line here changes nothing.
// clang-format off
constexpr Cell cells[] = {
    {S::down,      E::start,          A::fork,         S::down},
    {S::down,      E::forked,         A::watch,        S::starting},
    {S::down,      E::fork_failed,    A::retry_later,  S::down},
    {S::down,      E::replace,        A::fork,         S::down},
    {S::down,      E::leave,          A::cancel_start, S::down},
    {S::down,      E::stop,           A::cancel_start, S::down},
    {S::down,      E::kill,           A::cancel_start, S::down},

    {S::starting,  E::ready,          A::report_ready, S::up},
    {S::starting,  E::died,           A::restart,      S::down},
    {S::starting,  E::heartbeat_lost, A::abort,        S::failing},
    {S::starting,  E::link_lost,      A::await_exit,   S::failing},
    {S::starting,  E::replace,        A::terminate,    S::replacing},
    {S::starting,  E::leave,          A::terminate,    S::stopping},
    {S::starting,  E::stop,           A::request_stop, S::stopping},
    {S::starting,  E::kill,           A::kill,         S::stopping},

    {S::up,        E::died,           A::restart,      S::down},
    {S::up,        E::heartbeat_lost, A::abort,        S::failing},
    {S::up,        E::link_lost,      A::await_exit,   S::failing},
    {S::up,        E::replace,        A::terminate,    S::replacing},
    {S::up,        E::leave,          A::terminate,    S::stopping},
    {S::up,        E::stop,           A::request_stop, S::stopping},
    {S::up,        E::kill,           A::kill,         S::stopping},

    {S::failing,   E::died,           A::restart,      S::down},
    {S::failing,   E::timeout,        A::kill,         S::failing},
    {S::failing,   E::leave,          A::kill,         S::stopping},
    {S::failing,   E::stop,           A::kill,         S::stopping},
    {S::failing,   E::kill,           A::kill,         S::stopping},

    {S::replacing, E::died,           A::replace,      S::down},
    {S::replacing, E::timeout,        A::kill,         S::replacing},
    {S::replacing, E::leave,          A::none,         S::stopping},
    {S::replacing, E::stop,           A::request_stop, S::stopping},
    {S::replacing, E::kill,           A::kill,         S::stopping},

    {S::stopping,  E::died,           A::report_exit,  S::down},
    {S::stopping,  E::start,          A::none,         S::replacing},
    {S::stopping,  E::timeout,        A::escalate,     S::stopping},
    {S::stopping,  E::kill,           A::kill,         S::stopping},
};
// clang-format on

constexpr Table make_table() {
    Table table{};
    for (std::size_t state = 0; state < child_state_count; ++state)
        for (ChildStep& step : table[state])
            step = {A::none, static_cast<S>(state)};
    for (const Cell& cell : cells)
        table[static_cast<std::size_t>(cell.state)][static_cast<std::size_t>(cell.event)] = {cell.action,
                                                                                             cell.next};
    return table;
}

constexpr Table table = make_table();

}  // namespace

ChildStep child_step(ChildState state, ChildEvent event) {
    return table[static_cast<std::size_t>(state)][static_cast<std::size_t>(event)];
}

std::string_view to_string(ChildState state) {
    static constexpr std::array<std::string_view, child_state_count> names{
        "down", "starting", "up", "failing", "replacing", "stopping"};
    return names[static_cast<std::size_t>(state)];
}

std::string_view to_string(ChildEvent event) {
    static constexpr std::array<std::string_view, child_event_count> names{
        "start",     "forked",  "fork failed", "ready", "died", "heartbeat lost",
        "link lost", "timeout", "replace",     "leave", "stop", "kill"};
    return names[static_cast<std::size_t>(event)];
}

}  // namespace process
