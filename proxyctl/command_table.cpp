#include "proxyctl/command_table.hpp"

#include "base/text.hpp"
#include "proxyctl/failure.hpp"

namespace proxyctl {

namespace {

std::vector<std::string> names_of(const std::vector<const Command*>& commands) {
    std::vector<std::string> names;
    for (const Command* command : commands)
        names.emplace_back(command->name);
    return names;
}

/// A typing error must not end in a command that stops something.
bool may_be_suggested(std::string_view name) {
    return name != "stop" && name != "restart" && name != "kill";
}

[[noreturn]] void fail_unknown(std::string_view word) {
    std::vector<std::string> names;
    for (const Command& command : commands())
        names.emplace_back(command.name);
    const auto nearest = base::nearest(word, names);
    fail(exit_status::misused, "unknown command '{}'; {}", base::printable(word),
         nearest && may_be_suggested(*nearest) ? "did you mean " + *nearest + "?"
                                               : "run `proxyctl help` for a list");
}

}  // namespace

const std::vector<Command>& commands() {
    static const std::vector<Command> table = [] {
        std::vector<Command> all;
        for (const auto part : {instance_commands(), process_commands(), session_commands(),
                                monitor_commands(), watch_commands(), policy_commands(), log_commands(),
                                health_commands(), doctor_commands(), general_commands()})
            all.insert(all.end(), part.begin(), part.end());
        return all;
    }();
    return table;
}

std::vector<const Command*> find_commands(std::string_view word) {
    const std::string prefix = base::lower(word);
    std::vector<const Command*> found;
    for (const Command& command : commands()) {
        if (command.name == prefix) return {&command};
        if (!prefix.empty() && command.name.starts_with(prefix)) found.push_back(&command);
    }
    return found;
}

const Command& command_named(std::string_view word) {
    const std::vector<const Command*> found = find_commands(word);
    if (found.size() == 1) return *found.front();
    if (found.empty()) fail_unknown(word);
    fail(exit_status::misused, "ambiguous command '{}' ({})", base::printable(word),
         base::joined(names_of(found)));
}

std::string_view title_of(Group group) {
    constexpr std::string_view titles[] = {"Components", "Sessions", "Policy", "Names",
                                           "Logs",       "Health",   "General"};
    return titles[static_cast<std::size_t>(group)];
}

std::string_view word_for(Access access) {
    constexpr std::string_view words[] = {"needs no permission", "needs read permission",
                                          "needs change permission",
                                          "needs read permission, and change permission for changes"};
    return words[static_cast<std::size_t>(access)];
}

}  // namespace proxyctl
