#include "proxyctl/policy_commands.hpp"

#include <algorithm>
#include <array>

#include "base/endpoint.hpp"
#include "base/text.hpp"
#include "proxyctl/answer.hpp"
#include "proxyctl/failure.hpp"
#include "proxyctl/human.hpp"
#include "proxyctl/views/list_view.hpp"

namespace proxyctl {

namespace {

constexpr std::array<std::string_view, 7> days{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

/// Reads the words of `explain` one after the other.
class Question {
public:
    explicit Question(const std::vector<std::string>& words) : words_(words) {
        while (next_ < words_.size())
            take(words_[next_++]);
        for (const char* key : {"client", "local"}) {
            if (args_.contains(key)) continue;
            fail(exit_status::misused, "explain: '{}' is missing; usage: explain from CLIENT to LISTENER ...",
                 key == std::string_view("client") ? "from" : "to");
        }
    }
    [[nodiscard]] const control::Args& args() const { return args_; }

private:
    void take(const std::string& word) {
        const std::string key = base::lower(word);
        if (key == "from") {
            set(key, "client", host(key));
        } else if (key == "to") {
            set(key, "local", host(key));
        } else if (key == "at") {
            set(key, "time", time());
        } else if (key == "dscp") {
            set(key, "dscp", dscp());
        } else {
            fail(exit_status::misused, "explain: '{}' is not one of from, to, at and dscp",
                 base::printable(word));
        }
    }
    void set(const std::string& key, const std::string& name, control::Value value) {
        if (!args_.emplace(name, std::move(value)).second) {
            fail(exit_status::misused, "explain: '{}' is given twice", key);
        }
    }
    const std::string& value(const std::string& key) {
        if (next_ == words_.size()) {
            fail(exit_status::misused, "explain: something is missing after '{}'", key);
        }
        return words_[next_++];
    }
    std::string host(const std::string& key) {
        const std::string& word = value(key);
        if (base::parse_endpoint(word) || base::parse_address(word)) return word;
        fail(exit_status::misused, "explain: {}: '{}' is not an address, nor an address with a port", key,
             base::printable(word));
    }
    std::string time() {
        std::string day = value("at");
        if (std::find(days.begin(), days.end(), base::lower(day)) == days.end()) {
            check_clock(day);
            return day;
        }
        const std::string& clock = value(day);
        check_clock(clock);
        return day + " " + clock;
    }
    static void check_clock(const std::string& word) {
        const std::size_t colon = word.find(':');
        const bool good = colon != std::string::npos && in_range(word.substr(0, colon), 23) &&
                          in_range(word.substr(colon + 1), 59);
        if (!good) {
            fail(exit_status::misused,
                 "explain: at: '{}' is neither a day (Mon to Sun) nor a time such as 08:30",
                 base::printable(word));
        }
    }
    std::int64_t dscp() {
        const std::string& word = value("dscp");
        if (in_range(word, 63)) return *whole_number(word);
        fail(exit_status::misused, "explain: dscp: '{}' is not a number from 0 to 63", base::printable(word));
    }
    static bool in_range(const std::string& word, std::int64_t highest) {
        const auto number = whole_number(word);
        return number && *number <= highest;
    }

    const std::vector<std::string>& words_;
    std::size_t next_ = 0;
    control::Args args_;
};

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
        fail(exit_status::misused, "explain: --last goes without 'from' and 'to'");
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
    return Question(words).args();
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
