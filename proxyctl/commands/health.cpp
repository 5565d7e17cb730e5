#include <algorithm>

#include "proxyctl/answer.hpp"
#include "proxyctl/command_table.hpp"
#include "proxyctl/human.hpp"

/// Commands about the state of whole instances.
namespace proxyctl {

namespace {

std::string status_line(const Instance& instance, const InstanceState& state) {
    std::string line = visible(instance.name) + ": " + visible(state.state);
    if (!state.why.empty()) line += ": " + visible(state.why);
    const Value* listeners = state.status.find("listeners");
    if (listeners != nullptr && !listeners->members.empty()) line += ", " + cell_text("", *listeners);
    return line;
}

int run_status(Context& context, const Arguments&) {
    const Settings& settings = context.settings;
    const std::vector<Instance> instances = select_or_all(settings.selection, settings.places);
    if (instances.empty()) throw Failure(exit_status::not_running, no_instances(settings.places));
    int worst = 0;
    for (const Instance& instance : instances) {
        const InstanceState state = state_of(context, instance);
        worst = std::max(worst, state.exit_code());
        if (context.out.json()) {
            context.out.row_line(state.status);
        } else {
            context.out.line(status_line(instance, state), state.tone());
        }
    }
    return worst;
}

int run_stats(Context& context, const Arguments& arguments) {
    return show_at_interval(context, arguments, "stats");
}

}  // namespace

std::span<const Command> health_commands() {
    using namespace row_words;
    // clang-format off
    static constexpr Command rows[] = {
        {"status", health, read, none, {}, {}, run_status,
         "Print a one-line status of each instance."},
        {"stats", health, read, selected, {}, interval_option, run_stats,
         "Show the totals."},
    };
    // clang-format on
    return rows;
}

}  // namespace proxyctl
