#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/endpoint.hpp"

namespace resolvers {

/// What proxyd uses of /etc/resolv.conf (resolv.conf(5)). `timeout`, `attempts` and other options are
/// ignored, since the `resolver` section has them.
struct ResolvConf {
    /// A longer file is cut; what exceeds the other limits is ignored.
    static constexpr std::size_t max_size = 64u << 10, max_servers = 8, max_search = 16;
    static constexpr unsigned max_dots = 15;

    std::vector<base::Endpoint> servers;  ///< port 53
    std::vector<std::string> search;      ///< canonical; of the last `search` or `domain`
    unsigned dots = 1;
};

/// Invalid lines and words are ignored.
ResolvConf parse_resolv_conf(std::string_view text);

/// Empty if the file cannot be read.
ResolvConf read_resolv_conf(const std::string& path);

}  // namespace resolvers
