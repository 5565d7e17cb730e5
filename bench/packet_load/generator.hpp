#pragma once

#include <cstdint>

#include "bench/packet_load/flows.hpp"
#include "bench/packet_load/options.hpp"
#include "bench/packet_load/packet_socket.hpp"
#include "bench/packet_load/plan.hpp"
#include "bench/packet_load/result.hpp"
#include "bench/packet_load/verifier.hpp"

namespace packet {

/// Sends datagrams that are due, receives replies and has them verified. One loop, one thread, one socket.
class Generator {
public:
    explicit Generator(const Options& options);

    /// Opens all flows, unmeasured, unless the options say otherwise.
    void warm_up();

    /// The measured phase, and the time to wait for the last replies.
    Result measure();

    /// From a signal handler: sends nothing more.
    static void stop();

private:
    void run(const Plan& plan);
    std::uint64_t send_due(const Plan& plan, std::uint64_t number, std::uint64_t start);
    void send_one(std::uint32_t flow, std::uint64_t due);
    void linger();
    void wait_and_receive(std::uint64_t deadline);
    void receive();

    const Options options_;
    const Flows flows_;
    PacketSocket socket_;
    Result result_;
    Verifier verifier_;
};

}  // namespace packet
