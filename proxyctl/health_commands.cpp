#include "proxyctl/health_commands.hpp"

#include <algorithm>

#include "proxyctl/answer.hpp"
#include "proxyctl/failure.hpp"
#include "proxyctl/human.hpp"
#include "proxyctl/instance_state.hpp"

namespace proxyctl {

const Option stats_options[1] = {
    {"interval", "TIME", Kind::duration, "again and again, with what changed each second; Ctrl-C ends it"}};

namespace {

Row app_row(const Context& context, const Instance& instance) {
    const InstanceState state = state_of(context, instance);
    Row row({{"name", Value::of(instance.name)}, {"state", Value::of(state.state)}});
    row.add("configuration", Value::of(instance.config.file));
    row.add("socket", Value::of(instance.socket));
    row.add("why", Value::of(state.why));
    return row;
}

std::string status_line(const Instance& instance, const InstanceState& state) {
    std::string line = visible(instance.name) + ": " + visible(state.state);
    if (!state.why.empty()) line += ": " + visible(state.why);
    const Value* listeners = state.status.find("listeners");
    if (listeners != nullptr && !listeners->members.empty()) line += ", " + cell_text("", *listeners);
    return line;
}

Row stats_line(const Field& field, const std::optional<double>& rate) {
    Row row({{"name", Value::of(field.name)}, {"value", Value::of(cell_text(field.name, field.value))}});
    const bool bytes = field.name.ends_with("_bytes");
    row.add("rate", rate ? Value::of((bytes ? human_size(*rate) : human_count(*rate)) + "/s") : Value());
    return row;
}

void show_rates(Context& context, const Row& before, const Row& now, base::Duration time) {
    if (context.out.json()) return context.out.row_line(now);
    const std::vector<std::optional<double>> rates = rates_between(before, now, time);
    Table table({{"name", "NAME"}, {"value", "VALUE"}, {"rate", "RATE"}});
    for (std::size_t i = 0; i < rates.size(); ++i)
        table.add(stats_line(now.fields()[i], rates[i]));
    context.out.line(clock_text());
    context.out.table(table);
    context.out.line("");
}

}  // namespace

std::vector<std::optional<double>> rates_between(const Row& before, const Row& now, base::Duration time) {
    std::vector<std::optional<double>> rates;
    const double seconds = static_cast<double>(time.count()) / 1000;
    for (const Field& field : now.fields()) {
        const Value* old = before.find(field.name);
        const bool known = old != nullptr && old->is_number() && field.value.is_number() && seconds > 0 &&
                           !field.name.ends_with("_ms") && field.value.number() >= old->number();
        rates.push_back(known ? std::optional((field.value.number() - old->number()) / seconds)
                              : std::nullopt);
    }
    return rates;
}

int show_again_and_again(Context& context, const std::string& command, const control::Args& args,
                         base::Duration interval) {
    if (interval < std::chrono::milliseconds(100))
        fail(exit_status::misused, "{}: --interval: at least 100ms", command);
    base::Instant asked = base::MonotonicClock::now();
    Row before = ask_one(context, command, args);
    show_fields(context, {before});
    for (;;) {
        context.out.flush();
        wait_for(-1, 0, {interval, context.interrupt});
        const base::Instant then = base::MonotonicClock::now();
        Row now = ask_one(context, command, args);
        show_rates(context, before, now, then - asked);
        before = std::move(now);
        asked = then;
    }
}

int run_show_app(Context& context, const Arguments&) {
    const std::vector<Instance> instances = all_or_chosen(context);
    Table table(
        {{"name", "NAME"}, {"state", "STATE"}, {"configuration", "CONFIGURATION"}, {"socket", "SOCKET"}});
    for (const Instance& instance : instances) {
        const Row row = app_row(context, instance);
        if (context.out.json()) context.out.row_line(row);
        table.add(row, tone_of(row.text("state")));
    }
    if (context.out.json()) return exit_status::good;
    if (instances.empty()) {
        context.out.line("no instance: no socket in " + visible(context.settings.places.run_dir) +
                         ", no configuration in " + visible(context.settings.places.conf_dir));
    } else {
        context.out.table(table);
    }
    return exit_status::good;
}

int run_status(Context& context, const Arguments&) {
    const std::vector<Instance> instances = all_or_chosen(context);
    if (instances.empty()) {
        fail(exit_status::not_running, "there is no instance: no socket in {}, no configuration in {}",
             context.settings.places.run_dir, context.settings.places.conf_dir);
    }
    int worst = 0;
    for (const Instance& instance : instances) {
        const InstanceState state = state_of(context, instance);
        worst = std::max(worst, status_exit(state.state));
        if (context.out.json()) {
            context.out.row_line(state.status);
        } else {
            context.out.line(status_line(instance, state), tone_of(state.state));
        }
    }
    return worst;
}

int run_stats(Context& context, const Arguments& arguments) {
    const auto interval = arguments.duration("interval");
    return interval ? show_again_and_again(context, "stats", {}, *interval) : show_answer(context, "stats");
}

}  // namespace proxyctl
