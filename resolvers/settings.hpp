#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/endpoint.hpp"

namespace resolvers {

using base::Duration;

enum class Transport : std::uint8_t { udp, tcp };

/// Which addresses a name is asked for. One family helps where servers do not answer for the other.
enum class Families : std::uint8_t { both, v4, v6 };

/// How long answers are believed, whatever their TTL says (K-56).
struct TtlBounds {
    Duration least = std::chrono::seconds(1);
    Duration most = std::chrono::hours(24);
    Duration least_denied = std::chrono::seconds(1);  ///< no such name, no data
    Duration most_denied = std::chrono::seconds(30);
    Duration failed = std::chrono::seconds(1);  ///< server failures: keeps many askers from asking at once
};

/// How names are looked up.
struct Settings {
    std::vector<base::Endpoint> servers;   ///< asked in this order, named `#1`, `#2`, ... in logs (K-62)
    Transport transport = Transport::udp;  ///< udp goes over to tcp for an answer that does not fit
    std::vector<std::string> search;       ///< domains tried after names with few dots
    unsigned dots = 1;                     ///< a name with so many dots is tried as it is first
    unsigned tries = 2;                    ///< rounds over all servers
    Families families = Families::both;
    Duration timeout = std::chrono::seconds(15);         ///< of a whole look-up (K-52)
    Duration server_timeout = std::chrono::seconds(2);   ///< of one server, twice as long in each round
    Duration reverse_timeout = std::chrono::seconds(1);  ///< the same for the names of an address (K-63)
    Duration connect_timeout = std::chrono::seconds(1);  ///< of a TCP connection (K-62)
    TtlBounds ttl;
    bool allow_private = false;                ///< public names may mean private addresses
    std::vector<std::string> private_domains;  ///< names in or below these may; canonical
    std::string hosts_file = "/etc/hosts";     ///< empty: none
    bool hosts_file_told = false;              ///< what is wrong with it was logged elsewhere
    std::size_t max_lookups = 64;              ///< at the same time
    std::size_t max_waiting = 1024;            ///< look-ups that wait for a place
    std::size_t max_askers = 16384;            ///< of all these together
    std::size_t max_cached = 4096;             ///< answers
};

}  // namespace resolvers
