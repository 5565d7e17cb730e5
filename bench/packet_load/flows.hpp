#pragma once

#include <cstdint>
#include <optional>

#include "bench/packet_load/options.hpp"

namespace packet {

/// Numbers the simulated clients: flow i has address i modulo `addresses` of the network and the port that
/// follows from the quotient. The inverse tells whose a reply is.
class Flows {
public:
    static constexpr std::uint16_t first_port = 1024;
    static constexpr std::uint32_t ports = 64'000;

    explicit Flows(const Options& options)
        : first_address_(options.network + 1),
          addresses_(options.addresses),
          prefix_(options.prefix),
          to_(options.to_address),
          to_port_(options.to_port) {}

    /// What the datagrams of a flow have in their headers. `flow` is below addresses * ports.
    [[nodiscard]] Path path(std::uint32_t flow) const {
        const auto port = static_cast<std::uint16_t>(first_port + flow / addresses_);
        return {first_address_ + flow % addresses_, to_, port, to_port_};
    }

    /// Whether an address is one of this generator's network, perhaps of no flow.
    [[nodiscard]] bool is_mine(std::uint32_t address) const {
        const std::uint32_t mask = ~std::uint32_t{0} << (32 - prefix_);
        return (address & mask) == (first_address_ & mask);
    }

    /// The flow to which a reply with these headers belongs; nothing if none has this address and port, or
    /// if it does not come from where the flow sends to.
    [[nodiscard]] std::optional<std::uint32_t> flow_of_reply(const Path& reply) const {
        const std::uint32_t place = reply.to - first_address_;
        if (reply.from != to_ || reply.from_port != to_port_ || place >= addresses_) return std::nullopt;
        if (reply.to_port < first_port || reply.to_port >= first_port + ports) return std::nullopt;
        return (reply.to_port - std::uint32_t{first_port}) * addresses_ + place;
    }

private:
    std::uint32_t first_address_, addresses_;
    unsigned prefix_;
    std::uint32_t to_;
    std::uint16_t to_port_;
};

}  // namespace packet
