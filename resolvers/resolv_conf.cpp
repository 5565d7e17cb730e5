#include "resolvers/resolv_conf.hpp"

#include <algorithm>
#include <charconv>

#include "resolvers/dns_question.hpp"
#include "resolvers/file_text.hpp"

namespace resolvers {
namespace {

constexpr std::uint16_t dns_port = 53;

// `0.0.0.0` and `::` mean this host there.
base::Address reachable(const base::Address& address) {
    if (!address.is_any()) return address;
    return *base::parse_address(address.family == base::Family::v4 ? "127.0.0.1" : "::1");
}

void add_server(ResolvConf& conf, std::string_view word) {
    const auto address = base::parse_address(word);
    if (!address || conf.servers.size() == ResolvConf::max_servers) return;
    const base::Endpoint server(reachable(*address), dns_port);
    if (std::find(conf.servers.begin(), conf.servers.end(), server) == conf.servers.end())
        conf.servers.push_back(server);
}

std::vector<std::string> domains(std::string_view line, std::size_t limit) {
    std::vector<std::string> found;
    for (auto word = take_word(line); !word.empty() && found.size() < limit; word = take_word(line))
        if (auto name = canonical_name(word)) found.push_back(std::move(*name));
    return found;
}

void set_options(ResolvConf& conf, std::string_view line) {
    constexpr std::string_view key = "ndots:";
    for (auto word = take_word(line); !word.empty(); word = take_word(line)) {
        if (!word.starts_with(key)) continue;
        unsigned dots = 0;
        const char* end = word.data() + word.size();
        const auto result = std::from_chars(word.data() + key.size(), end, dots);
        if (result.ec == std::errc() && result.ptr == end) conf.dots = std::min(dots, ResolvConf::max_dots);
    }
}

void read_line(ResolvConf& conf, std::string_view line) {
    const auto key = take_word(line);
    if (key == "nameserver") add_server(conf, take_word(line));
    if (key == "search") conf.search = domains(line, ResolvConf::max_search);
    if (key == "domain") conf.search = domains(line, 1);
    if (key == "options") set_options(conf, line);
}

}  // namespace

ResolvConf parse_resolv_conf(std::string_view text) {
    ResolvConf conf;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        read_line(conf, line.substr(0, line.find_first_of("#;")));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
    }
    return conf;
}

ResolvConf read_resolv_conf(const std::string& path) {
    return parse_resolv_conf(read_start(path, ResolvConf::max_size).value_or(""));
}

}  // namespace resolvers
