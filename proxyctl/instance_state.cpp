#include "proxyctl/instance_state.hpp"

#include "proxyctl/answer.hpp"
#include "proxyctl/failure.hpp"

namespace proxyctl {

namespace {

InstanceState without_answer(const Instance& instance, const std::string& state, const std::string& why) {
    return {Row({{"name", Value::of(instance.name)}, {"state", Value::of(state)}, {"why", Value::of(why)}}),
            state, why, false};
}

std::string state_for(int failure) {
    switch (failure) {
        case exit_status::not_running:
            return "down";
        case exit_status::no_right:
            return "no-right";
        case exit_status::timed_out:
            return "no-answer";
        default:
            return "broken";
    }
}

}  // namespace

InstanceState state_of(const Context& context, const Instance& instance) {
    Context own = context;
    own.instance = &instance;
    try {
        Row row = ask_one(own, "status");
        const std::string state = row.text("state");
        const std::string why = row.text("why");
        return {std::move(row), state, why, true};
    } catch (const Failure& failure) {
        return without_answer(instance, state_for(failure.status), failure.what());
    }
}

int status_exit(const std::string& state) {
    if (state == "serving") return 0;
    if (state == "no-right") return exit_status::no_right;
    return state == "down" || state == "no-answer" || state == "broken" ? 2 : 1;
}

Tone tone_of(const std::string& state) {
    const int status = status_exit(state);
    return status == 0 ? Tone::good : status == 1 ? Tone::warning : Tone::bad;
}

std::vector<Instance> all_or_chosen(const Context& context) {
    const Settings& settings = context.settings;
    if (settings.selection.is_given()) return select(settings.selection, settings.places);
    return find_instances(settings.places);
}

bool is_running(const Context& context) {
    if (context.instance->socket.empty()) return false;
    try {
        connect(context);
        return true;
    } catch (const Failure& failure) {
        if (failure.status == exit_status::not_running) return false;
        throw;
    }
}

}  // namespace proxyctl
