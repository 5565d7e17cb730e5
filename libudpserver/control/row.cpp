#include "libudpserver/control/row.hpp"

#include <cassert>

#include "base/log_escape.hpp"

namespace control {
namespace {

constexpr std::size_t max_text = 8 * 1024;

std::string json_string(std::string_view text) {
    return base::log::json_string(text, max_text);
}

}  // namespace

Row& Row::add(std::string_view name, std::string_view text) {
    return raw(name, json_string(text));
}

Row& Row::add(std::string_view name, bool flag) {
    return raw(name, flag ? "true" : "false");
}

Row& Row::add(std::string_view name, const std::vector<std::string>& list) {
    std::string items;
    for (const std::string& item : list)
        items += (items.empty() ? "" : ",") + json_string(item);
    return raw(name, '[' + items + ']');
}

Row& Row::raw(std::string_view name, std::string_view json) {
    assert(name != "end" && name != "error");
    if (!members_.empty()) members_ += ',';
    members_.append(json_string(name)).append(":").append(json);
    return *this;
}

}  // namespace control
