#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/endpoint.hpp"

namespace echo {

/// The command line of udp-echo.
struct Options {
    base::Endpoint listen;
    std::uint64_t delay_min = 0,
                  delay_max = 0;  ///< milliseconds; each answer waits a random time between them
    bool other_port = false;      ///< answers leave from another port, as a TFTP server's do
    std::optional<base::Address> other_address;  ///< answers leave from another address
    std::uint64_t drop_every = 0;                ///< every Nth datagram gets no answer; 0: all are answered
    bool silent = false;                         ///< no answers at all
    std::string count_file;                      ///< every report is also put into this file
    bool help = false;
};

/// Throws bench::UsageError.
Options parse_options(int argc, char** argv);

extern const char* const usage;

}  // namespace echo
