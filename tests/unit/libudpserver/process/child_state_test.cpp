#include "libudpserver/process/child_state.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <utility>

using namespace process;
using S = ChildState;
using E = ChildEvent;
using A = ChildAction;

namespace {

// The cells that do something, or lead to another state. In every other cell nothing may happen.
const std::map<std::pair<S, E>, ChildStep> meaningful{
    {{S::down, E::start}, {A::fork, S::down}},
    {{S::down, E::forked}, {A::watch, S::starting}},
    {{S::down, E::fork_failed}, {A::retry_later, S::down}},
    {{S::down, E::replace}, {A::fork, S::down}},
    {{S::down, E::leave}, {A::cancel_start, S::down}},
    {{S::down, E::stop}, {A::cancel_start, S::down}},
    {{S::down, E::kill}, {A::cancel_start, S::down}},

    {{S::starting, E::ready}, {A::report_ready, S::up}},
    {{S::starting, E::died}, {A::restart, S::down}},
    {{S::starting, E::heartbeat_lost}, {A::abort, S::failing}},
    {{S::starting, E::link_lost}, {A::await_exit, S::failing}},
    {{S::starting, E::replace}, {A::terminate, S::replacing}},
    {{S::starting, E::leave}, {A::terminate, S::stopping}},
    {{S::starting, E::stop}, {A::request_stop, S::stopping}},
    {{S::starting, E::kill}, {A::kill, S::stopping}},

    {{S::up, E::died}, {A::restart, S::down}},
    {{S::up, E::heartbeat_lost}, {A::abort, S::failing}},
    {{S::up, E::link_lost}, {A::await_exit, S::failing}},
    {{S::up, E::replace}, {A::terminate, S::replacing}},
    {{S::up, E::leave}, {A::terminate, S::stopping}},
    {{S::up, E::stop}, {A::request_stop, S::stopping}},
    {{S::up, E::kill}, {A::kill, S::stopping}},

    {{S::failing, E::died}, {A::restart, S::down}},
    {{S::failing, E::timeout}, {A::kill, S::failing}},
    {{S::failing, E::leave}, {A::kill, S::stopping}},
    {{S::failing, E::stop}, {A::kill, S::stopping}},
    {{S::failing, E::kill}, {A::kill, S::stopping}},

    {{S::replacing, E::died}, {A::replace, S::down}},
    {{S::replacing, E::timeout}, {A::kill, S::replacing}},
    {{S::replacing, E::leave}, {A::none, S::stopping}},
    {{S::replacing, E::stop}, {A::request_stop, S::stopping}},
    {{S::replacing, E::kill}, {A::kill, S::stopping}},

    {{S::stopping, E::died}, {A::report_exit, S::down}},
    {{S::stopping, E::start}, {A::none, S::replacing}},
    {{S::stopping, E::timeout}, {A::escalate, S::stopping}},
    {{S::stopping, E::kill}, {A::kill, S::stopping}},
};

template <typename Look>
void for_each_cell(Look look) {
    for (std::size_t s = 0; s < child_state_count; ++s)
        for (std::size_t e = 0; e < child_event_count; ++e)
            look(static_cast<S>(s), static_cast<E>(e));
}

}  // namespace

TEST_CASE("every cell of the child's table") {
    for_each_cell([](S state, E event) {
        CAPTURE(to_string(state), to_string(event));
        const auto found = meaningful.find({state, event});
        const ChildStep expected = found == meaningful.end() ? ChildStep{A::none, state} : found->second;
        CHECK(child_step(state, event).action == expected.action);
        CHECK(child_step(state, event).next == expected.next);
    });
}

TEST_CASE("a child that was asked to end exits before it is started again, and is not counted [K-9]") {
    for_each_cell([](S state, E event) {
        const auto step = child_step(state, event);
        if (state == S::stopping) {
            CHECK(step.action != A::restart);
            CHECK(step.action != A::fork);
            CHECK((step.next == S::stopping || event == E::died || event == E::start));
        }
        if (event == E::stop || event == E::leave || event == E::kill)
            CHECK((step.next == S::stopping || step.next == S::down));
    });
}

TEST_CASE(
    "only a death leads down from a state with a process, and a process is made only when there is none") {
    for_each_cell([](S state, E event) {
        const auto step = child_step(state, event);
        if (state != S::down && step.next == S::down) CHECK(event == E::died);
        if (step.action == A::fork || step.action == A::replace)
            CHECK((state == S::down || event == E::died));
        if (step.action == A::fork) CHECK(state == S::down);
        if (state != S::down && event == E::died) CHECK(step.next == S::down);
    });
}

TEST_CASE("states and events have names") {
    CHECK(to_string(S::down) == "down");
    CHECK(to_string(S::stopping) == "stopping");
    for_each_cell([](S state, E event) {
        CHECK_FALSE(to_string(state).empty());
        CHECK_FALSE(to_string(event).empty());
    });
    CHECK(to_string(E::start) == "start");
    CHECK(to_string(E::kill) == "kill");
}
