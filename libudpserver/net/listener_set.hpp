#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "conf/config.hpp"
#include "libudpserver/net/listener.hpp"
#include "libudpserver/net/steering.hpp"

namespace net {

/// All listening sockets of the configuration: one for each port of each `listen-on` entry and worker. The
/// parent makes them before the first fork; every REG inherits them (K-12). A reload keeps the sockets of
/// endpoints that stay, with all that waits in them, also of workers that there will not be any more: those
/// are left over until a REG has read them.
class ListenerSet {
public:
    /// One endpoint: where it was to listen, and a socket a worker, perhaps with left over ones behind them.
    struct Entry {
        base::Endpoint configured;
        std::vector<Listener> sockets;
    };

    /// Throws SocketError for the first socket that cannot be had (K-26); nothing stays open then.
    explicit ListenerSet(const conf::Config& config);
    /// Of sockets that this process had before an exec; steer() gives the kernel the rule anew.
    ListenerSet(std::size_t workers, Steering steering, std::vector<Entry> entries);

    /// What another configuration adds, opened already, and what it keeps.
    class Change {
        friend class ListenerSet;
        struct Place {
            std::optional<std::size_t> kept;  ///< index in the set as it is
            Entry opened;                     ///< all of it, or the sockets that the kept one needs more
        };
        std::vector<Place> places_;  ///< in the order of the new configuration
        std::size_t workers_ = 1;
    };
    /// Opens the sockets that this set does not have yet, and sets on the others what the configuration
    /// wants of them. Throws SocketError; the set serves as before then.
    [[nodiscard]] Change prepare(const conf::Config& config);
    /// The set is that of the new configuration from now on; endpoints that it does not have any more are
    /// closed.
    void apply(Change change);
    /// From now on the kernel deals the clients to the workers that there are. After a change it goes on as
    /// before until then, because the workers of before still read.
    void steer();

    /// How many sockets of an endpoint are left over, at most: places workers() and up.
    [[nodiscard]] std::size_t leftovers() const;
    /// Closes them: all that waited in them was read, and nothing is steered to them any more.
    void close_leftovers();

    /// Who gets which client's datagrams.
    [[nodiscard]] const Steering& steering() const { return steering_; }
    [[nodiscard]] std::size_t workers() const { return workers_; }

    [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
    /// Listening endpoints; each has `workers` sockets.
    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    [[nodiscard]] Listener& at(std::size_t listener, std::size_t worker) {
        return entries_[listener].sockets[worker];
    }
    /// Nothing where this endpoint has none left over at that place.
    [[nodiscard]] Listener* leftover(std::size_t listener, std::size_t place) {
        std::vector<Listener>& sockets = entries_[listener].sockets;
        return place < sockets.size() ? &sockets[place] : nullptr;
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
    [[nodiscard]] Entry open_endpoint(const base::Endpoint& configured, const ListenerOptions& options,
                                      std::size_t workers) const;
    [[nodiscard]] std::vector<Listener> open_more(Entry& entry, const ListenerOptions& options,
                                                  std::size_t workers) const;
    [[nodiscard]] int attach(const Entry& entry, std::size_t workers) const;
    void steer_before(const Entry& entry, std::size_t workers) const;
    void index_endpoints();

    std::size_t workers_;
    bool steered_ = true;  ///< the kernel knows workers_
    Steering steering_ = Steering::random();
    std::vector<Entry> entries_;
    std::vector<base::Endpoint> endpoints_;  ///< sorted, of all listeners
};

}  // namespace net
