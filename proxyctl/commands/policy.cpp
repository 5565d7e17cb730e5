#include "base/endpoint.hpp"
#include "proxyctl/answer.hpp"
#include "proxyctl/command_table.hpp"
#include "proxyctl/human.hpp"
#include "proxyctl/views/list_view.hpp"

/// Commands about the policy and about names.
namespace proxyctl {

namespace {

Tone tone_of_decision(const std::string& decision) {
    return decision == "accept" || decision == "forward" ? Tone::good
           : decision == "deny"                          ? Tone::bad
                                                         : Tone::warning;
}

void show_decision(Context& context, const Row& row) {
    std::string text = "decision: " + visible(row.text("decision"));
    if (const std::string session = row.text("session"); !session.empty())
        text += " in session " + visible(session);
    if (const std::string rule = row.text("rule"); !rule.empty()) text += " by rule " + visible(rule);
    if (const std::string server = row.text("server"); !server.empty()) text += ", server " + visible(server);
    if (const std::string why = row.text("why"); !why.empty()) text += ": " + visible(why);
    if (const std::string workers = row.text("workers"); !workers.empty())
        text += " (in " + visible(workers) + " workers)";
    context.out.line(text, tone_of_decision(row.text("decision")));
}

/// Which port was explained, if the question named none.
void show_listener(Context& context, const Row& decision) {
    const std::string local = decision.text("local"), listener = decision.text("listener");
    if (local.empty() || listener.empty()) return;
    context.out.line("explained for " + visible(local) + " (listener " + visible(listener) +
                     "); for another one, add its port to 'to'");
}

int show_refusals(Context& context, const Arguments& arguments) {
    if (!arguments.operands().empty())
        fail(exit_status::misused, "explain: --last cannot be combined with 'from' and 'to'");
    const std::string client = *arguments.text("last");
    const std::vector<Row> rows = ask_all(context, "last-refusals", {{"client", client}});
    if (!rows.empty() || context.out.json()) return show_table(context, rows);
    context.out.line("no recent refusal of " + visible(client) + " (REG keeps the last 512 of all clients)");
    return exit_status::good;
}

int run_explain(Context& context, const Arguments& arguments) {
    if (arguments.has("last")) return show_refusals(context, arguments);
    const control::Args args = explain_args(arguments.operands());
    std::vector<Row> rows = ask_all(context, "explain", args);
    const bool has_decision = !rows.empty() && rows.back().find("decision") != nullptr;
    if (context.out.json() || !has_decision) return show_table(context, rows);
    const Row decision = rows.back();
    rows.pop_back();
    if (!rows.empty()) show_table(context, rows);
    show_decision(context, decision);
    const bool has_port = base::parse_endpoint(std::get<std::string>(args.at("local"))).has_value();
    if (!has_port) show_listener(context, decision);
    return exit_status::good;
}

int run_rules(Context& context, const Arguments&) {
    return show_table(context, ask_all(context, "rules"));
}

int run_names(Context& context, const Arguments&) {
    const std::vector<Row> names = ask_names(context);
    if (context.out.json() || names.empty()) return show_table(context, names);
    context.out.table(names_table(names));
    return exit_status::good;
}

int run_refresh(Context& context, const Arguments& arguments) {
    if (arguments.operands().empty()) return show_answer(context, "refresh");
    return show_answer(context, "refresh", {{"name", arguments.operands().front()}});
}

int run_resolve(Context& context, const Arguments& arguments) {
    return show_answer(context, "resolve", {{"name", arguments.operands().front()}});
}

}  // namespace

std::span<const Command> policy_commands() {
    using namespace row_words;
    static constexpr Option explain_options[] = {
        {"last", "CLIENT", ArgumentType::text, "why recent first datagrams of this client were refused"}};
    // clang-format off
    static constexpr Command rows[] = {
        {"explain", policy, read, selected,
         {"[from CLIENT to LISTENER [at [DAY] HH:MM] [dscp N]]", 0, 9, ArgumentType::explain}, explain_options,
         run_explain,
         "Explain what the policy does with a client."},
        {"rules", policy, read, selected, {}, {}, run_rules,
         "List the rules and how often each has decided."},
        {"names", names, read, selected, {}, {}, run_names,
         "List the configured names and their addresses."},
        {"refresh", names, change, selected, {"[NAME]", 0, 1}, {}, run_refresh,
         "Resolve all configured names, or one of them, now."},
        {"resolve", names, read, selected, {"NAME", 1, 1}, {}, run_resolve,
         "Look up a name as the proxy does."},
    };
    // clang-format on
    return rows;
}

}  // namespace proxyctl
