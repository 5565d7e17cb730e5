#include "proxyctl/command_table.hpp"
#include "proxyctl/policy_commands.hpp"

namespace proxyctl {

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
