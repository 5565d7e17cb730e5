#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/endpoint.hpp"

namespace resolvers {

/// What /etc/resolv.conf says (resolv.conf(5)), as far as we use it. `timeout`, `attempts` and other options
/// are passed over, our own configuration has them.
struct ResolvConf {
    /// A file longer than this is cut; what is beyond the other bounds is passed over.
    static constexpr std::size_t max_size = 64u << 10, max_servers = 8, max_search = 16;
    static constexpr unsigned max_dots = 15;

    std::vector<base::Endpoint> servers;  ///< port 53
    std::vector<std::string> search;      ///< canonical; the last `search` or `domain` of the file decides
    unsigned dots = 1;
};

/// A line or a word that makes no sense is passed over.
ResolvConf parse_resolv_conf(std::string_view text);

/// Of a file that cannot be read everything is empty.
ResolvConf read_resolv_conf(const std::string& path);

}  // namespace resolvers
