#include "proxyctl/run.hpp"

#include <algorithm>

#include "proxyctl/arguments.hpp"
#include "proxyctl/command_table.hpp"
#include "proxyctl/failure.hpp"
#include "proxyctl/human.hpp"
#include "proxyctl/words.hpp"

namespace proxyctl {

namespace {

int run_for(Context context, const Command& command, const Arguments& arguments, const Instance& instance) {
    context.instance = &instance;
    return command.run(context, arguments);
}

/// The next instance is asked although this one fails.
int run_in_turn(Context& context, const Command& command, const Arguments& arguments,
                const std::vector<Instance>& instances) {
    int worst = 0;
    for (const Instance& instance : instances) {
        context.out.set_instance(instance.name);
        if (!context.out.json()) context.out.line(visible(instance.name) + ":", Tone::title);
        try {
            worst = std::max(worst, run_for(context, command, arguments, instance));
        } catch (const Failure& failure) {
            remark(instance.name + ": " + failure.what());
            worst = std::max(worst, failure.status);
        }
    }
    return worst;
}

int run_perhaps(Context& context, const Command& command, const Arguments& arguments) {
    const Settings& settings = context.settings;
    std::vector<Instance> instances = settings.selection.is_given()
                                          ? select(settings.selection, settings.places)
                                          : find_instances(settings.places);
    if (settings.selection.is_given() && instances.size() > 1) {
        return run_in_turn(context, command, arguments, instances);
    }
    if (instances.size() == 1) return run_for(context, command, arguments, instances.front());
    return command.run(context, arguments);
}

}  // namespace

int run_command(const Settings& settings, const std::vector<std::string>& words, Signals* interrupt) {
    check_bounds(words);
    const Command& command = command_named(words.front());
    const Arguments arguments(command, {words.begin() + 1, words.end()});
    Output out(settings.json || arguments.json(), settings.color);
    Context context{settings, out, nullptr, interrupt};
    int status = 0;
    if (command.scope == Scope::perhaps) {
        status = run_perhaps(context, command, arguments);
    } else if (command.scope == Scope::chosen) {
        const std::vector<Instance> instances = select(settings.selection, settings.places);
        status = instances.size() == 1 ? run_for(context, command, arguments, instances.front())
                                       : run_in_turn(context, command, arguments, instances);
    } else {
        status = command.run(context, arguments);
    }
    if (!out.flush()) fail(exit_status::failed, "the output could not be written");
    return status;
}

int report(const std::function<int()>& function) {
    try {
        return function();
    } catch (const Failure& failure) {
        remark(failure.what());
        return failure.status;
    } catch (const std::exception& error) {
        remark(error.what());
        return exit_status::failed;
    }
}

}  // namespace proxyctl
