#pragma once

#include <string>
#include <vector>

#include "base/endpoint.hpp"
#include "conf/config.hpp"

namespace proxyctl {

/// Why a proxy could not listen at `wanted` after a restart: an address that this machine lacks, or a port of
/// another program. Empty if it could, as far as this process can find out. What overlaps `own`, where the
/// proxy listens now, is free after its stop.
std::string bind_problem(const std::vector<conf::ListenOn>& wanted, std::vector<base::Endpoint> own);

}  // namespace proxyctl
