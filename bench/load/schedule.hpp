#pragma once

#include <cstdint>

namespace load {

/// When each datagram should be sent: an open loop, so a slow answer never delays the next question. Datagram
/// number i of the run is sent by client i modulo clients.
struct Schedule {
    std::uint64_t rate;
    std::uint32_t clients;

    /// Nanoseconds since the start of the run.
    [[nodiscard]] std::uint64_t due(std::uint64_t number) const {
        return number / rate * 1'000'000'000 + number % rate * 1'000'000'000 / rate;
    }
    [[nodiscard]] std::uint64_t due(std::uint32_t client, std::uint64_t sequence) const {
        return due(sequence * clients + client);
    }
};

}  // namespace load
