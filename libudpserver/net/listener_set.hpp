#pragma once

#include <cstdint>
#include <vector>

#include "conf/config.hpp"
#include "libudpserver/net/listener.hpp"

namespace net {

/// All listening sockets of the configuration: one for each port of each `listen-on` entry and worker. The
/// parent makes them before the first fork; every REG inherits them (K-12).
class ListenerSet {
public:
    /// Throws SocketError for the first socket that cannot be had (K-26); nothing stays open then.
    explicit ListenerSet(const conf::Config& config);

    /// Listening endpoints; each has `workers` sockets.
    [[nodiscard]] std::size_t size() const { return sockets_.size() / workers_; }
    [[nodiscard]] Listener& at(std::size_t listener, std::size_t worker) {
        return sockets_[listener * workers_ + worker];
    }
    [[nodiscard]] const base::Endpoint& local(std::size_t listener) const {
        return sockets_[listener * workers_].local();
    }
    [[nodiscard]] bool wildcard(std::size_t listener) const {
        return sockets_[listener * workers_].wildcard();
    }
    /// Whether one of the listeners hears what is sent there; of the machine's addresses only `own` is known,
    /// for those that listen on all.
    [[nodiscard]] bool listens_at(const base::Endpoint& endpoint, const base::Address& own) const;
    [[nodiscard]] std::vector<int> descriptors() const;

private:
    void open_endpoint(base::Endpoint local, const ListenerOptions& options);

    std::size_t workers_;
    std::vector<Listener> sockets_;
    std::vector<base::Endpoint> endpoints_;  ///< sorted, of all listeners
};

}  // namespace net
