#pragma once

#include <span>
#include <vector>

#include "base/unique_fd.hpp"
#include "libudpserver/net/port_plan.hpp"
#include "libudpserver/net/shared_ports.hpp"
#include "libudpserver/net/source_ports.hpp"

namespace net {

/// The parent's part of the server side `shared`: the program in the kernel with its maps, and the sockets of
/// REG. It keeps them across crash, reload and upgrade. The kernel ends the program when the last process
/// that has its descriptor ends.
class SharedSide {
public:
    /// Programs of other versions cannot use its descriptors.
    static constexpr unsigned version = STEER_VERSION;

    /// Loads the program and opens the sockets. Throws SocketError, or std::runtime_error with what is
    /// missing.
    SharedSide(const std::vector<PoolGroup>& groups, const conf::PortRange& ports, const SourcePorts& usable,
               unsigned workers);
    /// With what this process had before an exec, as descriptors() of a program with the same version.
    SharedSide(const std::vector<PoolGroup>& groups, const conf::PortRange& ports,
               const std::vector<int>& descriptors);

    /// The addresses of the machine are these from now on.
    void set_addresses(const std::vector<base::Address>& local);
    /// Sockets for another number of workers; those of earlier workers stay. Throws SocketError.
    void set_workers(unsigned workers);

    [[nodiscard]] const PortPlan& plan() const { return plan_; }
    /// For REG. Valid as long as no worker is added.
    [[nodiscard]] const SharedSockets& sockets() const { return for_reg_; }
    /// False if a listener or another program has the port.
    [[nodiscard]] bool is_usable(SocketIndex source) const;
    /// How many usable ports a group has.
    [[nodiscard]] std::size_t usable_of(std::size_t group) const;
    /// All, in an order that the constructor knows; -1 for one that the machine has no use for.
    [[nodiscard]] std::vector<int> descriptors() const;

    /// What became of datagrams for the ports, since the start.
    struct Counts {
        std::uint64_t delivered = 0, foreign = 0, late = 0, failed = 0;
    };
    [[nodiscard]] Counts counts() const;

private:
    struct Family {
        base::UniqueFd sink, raw, icmp;
    };
    struct Receivers {
        base::UniqueFd v4, v6;
    };

    void load();
    void attach(int program);
    void put(unsigned place, int socket);
    void open_sockets(Family& sockets, base::Family family);
    void list_for_reg();
    [[nodiscard]] steer_segments segments_at(const base::Address& address) const;

    PortPlan plan_;
    std::vector<std::uint64_t> usable_;  ///< a bit for each source
    struct Maps {
        base::UniqueFd sockets, addresses, usable, ports, counts;
    };
    Maps maps_;
    Family v4_, v6_;
    std::vector<Receivers> receivers_;
    base::UniqueFd link_;  ///< last: the program takes nothing before everything is there
    SharedSockets for_reg_;
};

/// The entries of a SharedSide's map in this process, for good. Throws std::system_error.
std::span<steer_port> map_ports(int descriptor, std::size_t count);

}  // namespace net
