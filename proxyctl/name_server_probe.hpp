#pragma once

#include <string>
#include <vector>

#include "libudpserver/base/endpoint.hpp"
#include "proxyctl/connection.hpp"

namespace proxyctl {

/// Sends every server a question (who serves the root?) by UDP and gives back those that have not answered
/// within the limit. Any answer is good: also a refusal is a sign of life.
std::vector<std::string> silent_servers(const std::vector<base::Endpoint>& servers, const Patience& patience);

}  // namespace proxyctl
