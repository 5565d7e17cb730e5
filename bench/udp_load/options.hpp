#pragma once

#include <cstdint>

#include "base/endpoint.hpp"

namespace load {

/// The command line of udp-load.
struct Options {
    base::Endpoint to;
    std::uint32_t clients = 1;
    std::uint64_t rate = 1000;       ///< datagrams a second, all clients together
    std::uint64_t seconds = 0;       ///< how long to send …
    std::uint64_t count = 0;         ///< … or how many datagrams for each client
    std::uint32_t size = 64;         ///< bytes of each datagram
    base::Address from;              ///< clients send from here; with a prefix they are spread over it
    unsigned prefix = 0;             ///< of `from`; all bits: one address
    bool churn = false;              ///< a new socket, so a new source port, for each datagram
    std::uint64_t linger_ms = 1000;  ///< how long to wait for the last answers
    double max_loss = 0;             ///< percent that may stay unanswered
    bool json = false;
    bool help = false;

    /// How many datagrams the whole run sends.
    [[nodiscard]] std::uint64_t total() const { return count > 0 ? count * clients : seconds * rate; }
};

/// Throws bench::UsageError.
Options parse_options(int argc, char** argv);

extern const char* const usage;

}  // namespace load
