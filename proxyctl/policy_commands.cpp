#include "proxyctl/policy_commands.hpp"

#include <functional>
#include <map>

#include "base/text.hpp"
#include "proxyctl/answer.hpp"
#include "proxyctl/failure.hpp"
#include "proxyctl/human.hpp"
#include "proxyctl/views/list_view.hpp"

namespace proxyctl {

namespace {

/// The words of a question, each with the argument that the daemon expects its value in.
const std::map<std::string, std::string, std::less<>> question_words{
    {"from", "client"}, {"to", "local"}, {"at", "time"}, {"dscp", "dscp"}};

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

int show_refusals(Context& context, const Arguments& arguments) {
    if (!arguments.operands().empty()) {
        fail(exit_status::misused, "explain: --last cannot be combined with 'from' and 'to'");
    }
    const std::string client = *arguments.text("last");
    const std::vector<Row> rows = ask_all(context, "last-refusals", {{"client", client}});
    if (rows.empty() && !context.out.json()) {
        context.out.line("no refusal of " + visible(client) +
                         " is known; REG remembers the last 512 of all clients");
    } else {
        show_table(context, rows);
    }
    return exit_status::good;
}

}  // namespace

control::Args explain_args(const std::vector<std::string>& words) {
    control::Args args;
    std::string* value = nullptr;
    for (const std::string& word : words) {
        if (const auto key = question_words.find(base::lower(word)); key != question_words.end()) {
            const auto [entry, is_new] = args.emplace(key->second, std::string());
            if (!is_new) fail(exit_status::misused, "explain: '{}' is given twice", key->first);
            value = &std::get<std::string>(entry->second);
        } else if (value == nullptr) {
            fail(exit_status::misused, "explain: unknown word '{}' (expected from, to, at or dscp)",
                 base::printable(word));
        } else {
            *value += (value->empty() ? "" : " ") + word;
        }
    }
    for (const auto& [key, name] : question_words) {
        const auto entry = args.find(name);
        if (entry == args.end() && (key == "from" || key == "to"))
            fail(exit_status::misused, "explain: '{}' is missing; usage: explain from CLIENT to LISTENER ...",
                 key);
        if (entry != args.end() && std::get<std::string>(entry->second).empty())
            fail(exit_status::misused, "explain: no value after '{}'", key);
    }
    if (const auto dscp = args.find("dscp"); dscp != args.end())
        if (const auto number = whole_number(std::get<std::string>(dscp->second))) dscp->second = *number;
    return args;
}

int run_explain(Context& context, const Arguments& arguments) {
    if (arguments.has("last")) return show_refusals(context, arguments);
    std::vector<Row> rows = ask_all(context, "explain", explain_args(arguments.operands()));
    const bool decided = !rows.empty() && rows.back().find("decision") != nullptr;
    if (context.out.json() || !decided) {
        return show_table(context, rows);
    }
    const Row decision = rows.back();
    rows.pop_back();
    if (!rows.empty()) show_table(context, rows);
    show_decision(context, decision);
    return exit_status::good;
}

int run_rules(Context& context, const Arguments&) {
    return show_table(context, ask_all(context, "rules"));
}

int run_names(Context& context, const Arguments&) {
    const std::vector<Row> names = ask_all(context, "names");
    if (context.out.json() || names.empty())
        show_table(context, names);
    else
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

}  // namespace proxyctl
