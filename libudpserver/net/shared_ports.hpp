#pragma once

#include <span>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "libudpserver/net/icmp_report.hpp"
#include "libudpserver/net/port_plan.hpp"
#include "libudpserver/net/steer_types.h"

namespace net {

/// The descriptors with which REG uses the server side `shared`.
struct SharedSockets {
    int raw_v4 = -1, raw_v6 = -1;    ///< datagrams to servers leave through these
    int icmp_v4 = -1, icmp_v6 = -1;  ///< ICMP errors about them arrive here
    int ports = -1;                  ///< the map of the ports, memory-mapped by the process that uses it
    struct Receivers {
        int v4 = -1, v6 = -1;
    };
    std::vector<Receivers> receivers;  ///< what servers send, by worker

    [[nodiscard]] std::vector<int> all() const;
};

/// The server side with one receiving socket for all sessions of a worker and family. A source is an entry in
/// a map of the kernel, whose program takes only what the session's server sends (doc/design.md).
class SharedPorts : public ServerSide {
public:
    /// `ports`: of all workers, in memory that the kernel shares.
    SharedPorts(const PortPlan& plan, std::span<steer_port> ports, const SharedSockets& sockets,
                unsigned worker);

    [[nodiscard]] bool may_open(SocketIndex source) const override {
        return closed_at_[index_of(source)] != drains_of(source);
    }
    int open(SocketIndex source, const base::Endpoint& server, Accepts accepts) override;
    int close(SocketIndex source) override;
    bool reopen(SocketIndex source, const base::Endpoint& server, Accepts accepts) override;
    [[nodiscard]] bool is_closed(SocketIndex source) const override;
    [[nodiscard]] bool has_server(SocketIndex source) const override;
    [[nodiscard]] bool is_unused(SocketIndex source) const override { return !has_server(source); }
    [[nodiscard]] std::uint32_t dropped(SocketIndex source) const override;
    [[nodiscard]] base::Endpoint local(SocketIndex source) const override;
    [[nodiscard]] std::optional<base::Address> source_at(const base::Endpoint& local) const override;
    void address(SocketIndex source, const base::Endpoint& server, Accepts accepts,
                 SendBatch::Order& order) const override;

    void forget_routes() override { routes_.clear(); }

    [[nodiscard]] const SharedSockets& sockets() const { return sockets_; }
    [[nodiscard]] const SharedSockets::Receivers& receivers() const { return sockets_.receivers[worker_]; }
    [[nodiscard]] const PortPlan& plan() const { return plan_; }

    /// The worker that has opened the source last.
    [[nodiscard]] unsigned worker_of(SocketIndex source) const { return entry(source).worker; }

    /// Whether the source is open and this is about a datagram of it.
    [[nodiscard]] bool concerns(SocketIndex source, const IcmpReport& report) const;
    /// The kernel takes an ICMP message for a datagram of the server that it quotes. Anybody can send one, so
    /// a closed source does not count it.
    void forgive(SocketIndex source, const IcmpReport& report);

    /// The receiver of this family was read until it was empty. A source opens only after this has happened
    /// since it was closed: what was queued for its last session has been read, and belonged to none.
    void drained(base::Family family) { ++(family == base::Family::v4 ? drains_v4_ : drains_v6_); }
    /// Routes are remembered for a second.
    void begin_turn(base::Instant now);

private:
    [[nodiscard]] steer_port& entry(SocketIndex source) const { return ports_[index_of(source)]; }
    [[nodiscard]] std::optional<base::Address> route_to(const base::Endpoint& server);
    [[nodiscard]] std::uint32_t drains_of(SocketIndex source) const {
        return plan_.range_of(source)->source.family == base::Family::v4 ? drains_v4_ : drains_v6_;
    }
    [[nodiscard]] bool is_quoted(SocketIndex source, const IcmpReport& report) const;

    const PortPlan& plan_;
    std::span<steer_port> ports_;
    const SharedSockets& sockets_;
    unsigned worker_;
    std::uint32_t drains_v4_ = 1, drains_v6_ = 1;
    std::vector<std::uint32_t> closed_at_;  ///< drains_of() the source when it was closed, by index
    struct Hash {
        std::size_t operator()(const base::Address& address) const;
    };
    std::unordered_map<base::Address, base::Address, Hash> routes_;  ///< sources, by server
    base::Instant forgotten_{};                                      ///< when `routes_` was last emptied
};

}  // namespace net
