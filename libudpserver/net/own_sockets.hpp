#pragma once

#include <vector>

#include "libudpserver/net/mute_filter.hpp"
#include "libudpserver/net/pool_ports.hpp"
#include "libudpserver/net/server_side.hpp"

namespace net {

/// The server side with a kernel socket for each source. An open one is connected, or accepts anyone and is
/// only bound; a closed one is muted and stays connected, so that only its last server can send to it. Were
/// it open to all, a scan of the ports, twice a minute, would keep every socket in quarantine and every new
/// client out.
class OwnSockets : public ServerSide {
public:
    /// `ports`: of all workers.
    OwnSockets(const MuteFilter& filter, PoolPorts& ports) : filter_(filter), ports_(ports) {}

    /// The caller keeps the descriptor. `bound`: the address that the socket is bound to.
    void add(SocketIndex source, int fd, const base::Address& bound);

    int open(SocketIndex source, const base::Endpoint& server, Accepts accepts) override;
    int close(SocketIndex source) override;
    bool reopen(SocketIndex source, const base::Endpoint& server, Accepts accepts) override;
    [[nodiscard]] bool is_closed(SocketIndex source) const override;
    [[nodiscard]] bool has_server(SocketIndex source) const override;
    [[nodiscard]] std::uint32_t dropped(SocketIndex source) const override;
    [[nodiscard]] base::Endpoint local(SocketIndex source) const override;
    [[nodiscard]] std::optional<base::Address> source_at(const base::Endpoint& local) const override;
    void address(SocketIndex source, const base::Endpoint& server, Accepts accepts,
                 SendBatch::Order& order) const override;

    [[nodiscard]] int descriptor(SocketIndex source) const { return sockets_[index_of(source)]; }

private:
    const MuteFilter& filter_;
    PoolPorts& ports_;
    std::vector<int> sockets_;  ///< by index; -1: none
};

}  // namespace net
