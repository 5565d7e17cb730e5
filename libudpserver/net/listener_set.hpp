#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "conf/config.hpp"
#include "libudpserver/net/listener.hpp"

namespace net {

/// All listening sockets of the configuration: one for each port of each `listen-on` entry and worker. The
/// parent makes them before the first fork; every REG inherits them (K-12). A reload keeps the sockets of
/// endpoints that stay, with all that waits in them.
class ListenerSet {
    /// One endpoint: where it was to listen, and a socket a worker.
    struct Entry {
        base::Endpoint configured;
        std::vector<Listener> sockets;
    };

public:
    /// Throws SocketError for the first socket that cannot be had (K-26); nothing stays open then.
    explicit ListenerSet(const conf::Config& config);

    /// What another configuration adds, opened already, and what it keeps.
    class Change {
        friend class ListenerSet;
        struct Place {
            std::optional<std::size_t> kept;  ///< index in the set as it is
            Entry opened;                     ///< when nothing is kept
        };
        std::vector<Place> places_;  ///< in the order of the new configuration
        ListenerOptions options_;
    };
    /// Opens the sockets that this set does not have yet, and sets on the others what the configuration
    /// wants of them. Throws SocketError; the set serves as before then. The number of workers stays.
    [[nodiscard]] Change prepare(const conf::Config& config) const;
    /// The set is that of the new configuration from now on; what it does not have any more is closed.
    void apply(Change change);

    /// Listening endpoints; each has `workers` sockets.
    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    [[nodiscard]] Listener& at(std::size_t listener, std::size_t worker) {
        return entries_[listener].sockets[worker];
    }
    [[nodiscard]] const base::Endpoint& local(std::size_t listener) const {
        return entries_[listener].sockets.front().local();
    }
    [[nodiscard]] bool wildcard(std::size_t listener) const {
        return entries_[listener].sockets.front().wildcard();
    }
    /// Whether one of the listeners hears what is sent there; of the machine's addresses only `own` is known,
    /// for those that listen on all.
    [[nodiscard]] bool listens_at(const base::Endpoint& endpoint, const base::Address& own) const;
    [[nodiscard]] std::vector<int> descriptors() const;

private:
    [[nodiscard]] Entry open_endpoint(const base::Endpoint& configured, const ListenerOptions& options) const;
    void index_endpoints();

    std::size_t workers_;
    std::vector<Entry> entries_;
    std::vector<base::Endpoint> endpoints_;  ///< sorted, of all listeners
};

}  // namespace net
