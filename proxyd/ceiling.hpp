#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "conf/config.hpp"
#include "libudpserver/net/pool_groups.hpp"

namespace proxyd {

/// How many sockets a group has at most, and how many new sessions per second they allow in the long run when
/// each rests for the whole quarantine after its session, and when quarantines are shortened.
[[nodiscard]] std::string ceiling_text(std::string_view what, const net::PoolGroup& group,
                                       std::size_t sockets, base::Duration quarantine);

}  // namespace proxyd
