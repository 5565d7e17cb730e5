#pragma once

#include <cstdint>
#include <string>

#include "bench/packet_load/frame.hpp"

namespace packet {

/// The command line of packet-load.
struct Options {
    std::string interface;
    Mac gateway{};                 ///< every datagram goes to this MAC address
    std::uint32_t to_address = 0;  ///< host byte order, as are all addresses here
    std::uint16_t to_port = 0;
    std::uint32_t network = 0;  ///< clients have addresses of this network
    unsigned prefix = 0;
    std::uint32_t addresses = 250;      ///< how many of them; flow i uses address i modulo addresses
    std::uint32_t flows = 1;            ///< address and port pairs; 0: a new one for each train
    std::uint32_t train = 1;            ///< datagrams of one flow that are due at the same time
    std::uint64_t rate = 1000;          ///< datagrams a second; 0: as fast as possible
    std::uint64_t milliseconds = 1000;  ///< how long to send …
    std::uint64_t count = 0;            ///< … or how many datagrams
    std::uint32_t size = 64;            ///< bytes of payload
    std::uint64_t warm_up_rate = 0;     ///< one datagram of each flow first, unmeasured; 0: none
    std::uint64_t linger_ms = 1000;     ///< how long to wait for the last replies
    bool one_way = false;               ///< no replies are expected
    bool wait = false;                  ///< after the warm-up, print a line and wait for one on stdin
    bool help = false;
};

/// Throws bench::UsageError.
Options parse_options(int argc, char** argv);

extern const char* const usage;

}  // namespace packet
