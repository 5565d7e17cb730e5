#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bench/load/client.hpp"
#include "bench/load/payload.hpp"
#include "bench/load/schedule.hpp"
#include "bench/udp_load/options.hpp"
#include "bench/udp_load/result.hpp"
#include "bench/udp_load/sockets.hpp"

namespace load {

/// Sends datagrams that are due, reads answers and checks them. One loop, one thread.
class Generator {
public:
    explicit Generator(const Options& options);

    /// Until all is sent and answered, the linger time is over, or stop() was called.
    Result run();

    /// From a signal handler: sends no more, waits for the last answers only.
    static void stop();

private:
    void send_due(std::uint64_t now);
    void send_one(std::uint32_t client);
    void transmit(int fd, std::span<const std::byte> bytes);
    void wait_and_read(std::uint64_t now, std::uint64_t deadline);
    void read_socket(int fd);
    void judge(int fd, std::span<const std::byte> bytes);
    [[nodiscard]] bool same_bytes(const Payload& payload, std::span<const std::byte> bytes);
    [[nodiscard]] std::uint64_t elapsed() const;

    const Options options_;
    const Schedule schedule_;
    const std::uint64_t nonce_;
    std::uint64_t start_ = 0;  // nanoseconds, monotonic
    std::uint64_t next_ = 0;   // number of the next datagram of the run
    Sockets sockets_;
    std::vector<Client> clients_;
    std::vector<std::byte> outgoing_, incoming_, expected_;
    Result result_;
};

}  // namespace load
