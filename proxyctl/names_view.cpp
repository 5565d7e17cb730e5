#include "proxyctl/names_view.hpp"

#include "proxyctl/human.hpp"

namespace proxyctl {

namespace {

Tone tone_for(const std::string& state) {
    return state == "resolved"                     ? Tone::good
           : state == "stale" || state == "denied" ? Tone::warning
           : state == "failed"                     ? Tone::bad
                                                   : Tone::plain;
}

}  // namespace

std::string last_trouble(const Row& name) {
    const std::string trouble = name.text("last_error");
    const auto ago = name.number("last_error_ago_ms");
    return trouble.empty() || !ago ? trouble : human_duration(*ago) + " ago: " + trouble;
}

Table names_table(const std::vector<Row>& names) {
    Table table({{"name", "NAME"},
                 {"state", "STATE"},
                 {"expires_ms", "EXPIRES"},
                 {"addresses", "ADDRESSES"},
                 {"last_trouble", "LAST TROUBLE"}});
    for (Row name : names) {
        name.add("last_trouble", Value::of(last_trouble(name)));
        table.add(name, tone_for(name.text("state")));
    }
    return table;
}

}  // namespace proxyctl
