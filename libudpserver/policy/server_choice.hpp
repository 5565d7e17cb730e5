#pragma once

#include <cstddef>
#include <vector>

#include "base/endpoint.hpp"
#include "conf/config.hpp"

namespace policy {

/// Which entry of `plug-to` serves this client: rendezvous hashing by weight, over the address without the
/// port and with a fixed key, so that a client stays with its server over sessions, restarts and reordered
/// lists, and a server that is taken out moves only its own clients. servers.size() when there is none to
/// choose.
[[nodiscard]] std::size_t choose_server(const std::vector<conf::Server>& servers,
                                        const base::Address& client);

}  // namespace policy
