#include "conf/system_ports.hpp"

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>

namespace conf {

namespace {

constexpr const char* settings = "/proc/sys/net/ipv4/";

bool is_port(unsigned number) {
    return number > 0 && number <= UINT16_MAX;
}

}  // namespace

PortRange ephemeral_ports() {
    unsigned first = 0, last = 0;
    std::ifstream file(std::string(settings) + "ip_local_port_range");
    if (!(file >> first >> last) || !is_port(first) || !is_port(last) || first > last) return {32768, 60999};
    return {static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last)};
}

std::vector<PortRange> reserved_ports() {
    std::ifstream file(std::string(settings) + "ip_local_reserved_ports");
    std::ostringstream text;
    text << file.rdbuf();
    return parse_port_list(text.str());
}

std::vector<PortRange> parse_port_list(std::string_view text) {
    std::vector<PortRange> ranges;
    std::istringstream in{std::string(text)};
    unsigned first = 0, last = 0;
    char separator = ',';
    while (separator == ',' && in >> first) {
        last = first;
        if (in.peek() == '-') in >> separator >> last;
        if (!is_port(first) || !is_port(last) || first > last) break;
        ranges.push_back({static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last)});
        separator = 0;
        in >> separator;
    }
    return ranges;
}

}  // namespace conf
