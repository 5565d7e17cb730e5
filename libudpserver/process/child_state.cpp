#include "libudpserver/process/child_state.hpp"

#include <array>

namespace process {
namespace {

using S = ChildState;
using A = ChildAction;
using Row = std::array<ChildStep, child_event_count>;

// clang-format off
constexpr std::array<Row, child_state_count> table{
    //                start                          forked                     fork_failed
    //                ready                          died                       heartbeat_lost              link_lost
    //                patience_over                  replace                    leave
    //                stop                           kill
    /* down */ Row{{  {A::fork, S::down},            {A::watch, S::starting},   {A::retry_later, S::down},
                      {A::none, S::down},            {A::none, S::down},        {A::none, S::down},         {A::none, S::down},
                      {A::none, S::down},            {A::fork, S::down},        {A::stay_down, S::down},
                      {A::stay_down, S::down},       {A::stay_down, S::down} }},
    /* starting */ Row{{ {A::none, S::starting},     {A::none, S::starting},    {A::none, S::starting},
                      {A::report_ready, S::up},      {A::restart, S::down},     {A::abort, S::failing},     {A::wait_for_end, S::failing},
                      {A::none, S::starting},        {A::ask_to_leave, S::replacing}, {A::ask_to_leave, S::stopping},
                      {A::ask_to_end, S::stopping},  {A::kill, S::stopping} }},
    /* up */ Row{{    {A::none, S::up},              {A::none, S::up},          {A::none, S::up},
                      {A::none, S::up},              {A::restart, S::down},     {A::abort, S::failing},     {A::wait_for_end, S::failing},
                      {A::none, S::up},              {A::ask_to_leave, S::replacing}, {A::ask_to_leave, S::stopping},
                      {A::ask_to_end, S::stopping},  {A::kill, S::stopping} }},
    /* failing */ Row{{ {A::none, S::failing},       {A::none, S::failing},     {A::none, S::failing},
                      {A::none, S::failing},         {A::restart, S::down},     {A::none, S::failing},      {A::none, S::failing},
                      {A::kill, S::failing},         {A::none, S::failing},     {A::kill, S::stopping},
                      {A::kill, S::stopping},        {A::kill, S::stopping} }},
    /* replacing */ Row{{ {A::none, S::replacing},   {A::none, S::replacing},   {A::none, S::replacing},
                      {A::none, S::replacing},       {A::replace, S::down},     {A::none, S::replacing},    {A::none, S::replacing},
                      {A::kill, S::replacing},       {A::none, S::replacing},   {A::none, S::stopping},
                      {A::ask_to_end, S::stopping},  {A::kill, S::stopping} }},
    /* stopping */ Row{{ {A::none, S::stopping},     {A::none, S::stopping},    {A::none, S::stopping},
                      {A::none, S::stopping},        {A::lay_to_rest, S::down}, {A::none, S::stopping},     {A::none, S::stopping},
                      {A::escalate, S::stopping},    {A::none, S::stopping},    {A::none, S::stopping},
                      {A::none, S::stopping},        {A::kill, S::stopping} }},
};
// clang-format on

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
        "start",     "forked",        "fork failed", "ready", "died", "heartbeat lost",
        "link lost", "patience over", "replace",     "leave", "stop", "kill"};
    return names[static_cast<std::size_t>(event)];
}

}  // namespace process
