#include "proxyctl/session_filter.hpp"

namespace proxyctl {

namespace {

constexpr Option filters[] = {
    {"from", "ADDRESS", Kind::text, "of clients in this address, network or port"},
    {"to", "ADDRESS", Kind::text, "to this local address or port"},
    {"server", "ADDRESS", Kind::text, "with this server"},
    {"rule", "NAME", Kind::rule, "accepted by this rule"},
    {"listener", "ADDRESS", Kind::text, "of this listener"},
    {"type", "TYPE", Kind::text, "of this type: one-way, normal, any-port, any-sock, broadcast"},
    {"state", "STATE", Kind::text, "answered or unanswered"},
    {"older", "TIME", Kind::duration, "that began so long ago or longer"},
    {"idle", "TIME", Kind::duration, "without a datagram for so long or longer"},
};

}  // namespace

std::span<const Option> session_filters() {
    return filters;
}

control::Args filter_args(const Arguments& arguments) {
    control::Args args;
    for (const Option& filter : filters) {
        const std::string name(filter.name);
        if (!arguments.has(name)) continue;
        if (filter.kind == Kind::duration) {
            args[name + "_ms"] = std::int64_t{arguments.duration(name)->count()};
        } else {
            args[name] = *arguments.text(name);
        }
    }
    return args;
}

}  // namespace proxyctl
