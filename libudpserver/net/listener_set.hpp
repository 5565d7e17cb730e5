#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "conf/config.hpp"
#include "libudpserver/net/listener.hpp"
#include "libudpserver/net/steering.hpp"

namespace net {

/// All listening sockets of the configuration: one for each port of each `listen-on` entry and worker. The
/// parent creates them before the first fork, and every REG inherits them (K-12). A reload keeps the sockets
/// of endpoints that stay, with the datagrams queued in them. Sockets of workers that no longer exist are
/// left over until a REG has read them.
class ListenerSet {
public:
    /// A configured endpoint, with one socket for each worker, then those that are left over.
    struct Entry {
        base::Endpoint configured;
        std::vector<Listener> sockets;
    };

    /// Throws SocketError for the first socket that cannot be opened (K-26); nothing stays open then.
    explicit ListenerSet(const conf::Config& config);
    /// With sockets that this process had before an exec; steer() gives the kernel the rule again.
    ListenerSet(std::size_t workers, Steering steering, std::vector<Entry> entries);

    /// The sockets that another configuration adds, open already, and those it keeps.
    class Change {
        friend class ListenerSet;
        struct Place {
            std::optional<std::size_t> kept;  ///< index in the set as it is
            Entry opened;                     ///< a new endpoint, or additional sockets of a kept one
        };
        std::vector<Place> places_;  ///< in the order of the new configuration
        std::size_t workers_ = 1;
    };
    /// Opens the sockets that this set lacks, and applies the options of the configuration to the others.
    /// Throws SocketError and leaves the set as it was.
    [[nodiscard]] Change prepare(const conf::Config& config);
    /// Throws what prepare() would throw for sockets that cannot be opened. It closes them again.
    void check(const conf::Config& config) const;
    /// Makes the set that of the new configuration and closes the endpoints that it does not have.
    void apply(Change change);
    /// Makes the kernel distribute clients to the present workers. After a change it uses the previous number
    /// until this call, because the previous workers still read.
    void steer();

    /// Undoes what a process that shares the sockets may have done to them: disconnects them and removes
    /// their filters. They have neither; the kernel's rule of steer() is no such filter.
    void restore() const;

    /// The largest number of left over sockets of an endpoint: their places are workers() and up.
    [[nodiscard]] std::size_t leftovers() const;
    /// Closes the left over sockets: they have been read, and the kernel steers nothing to them.
    void close_leftovers();

    /// Which worker receives which client.
    [[nodiscard]] const Steering& steering() const { return steering_; }
    [[nodiscard]] std::size_t workers() const { return workers_; }

    [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
    /// Listening endpoints; each has `workers` sockets.
    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    [[nodiscard]] Listener& at(std::size_t listener, std::size_t worker) {
        return entries_[listener].sockets[worker];
    }
    /// Null where this endpoint has no left over socket at that place.
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
    /// True if a listener would receive datagrams sent to `endpoint`. Wildcard listeners match only `own`.
    [[nodiscard]] bool listens_at(const base::Endpoint& endpoint, const base::Address& own) const;
    [[nodiscard]] std::vector<int> descriptors() const;

private:
    [[nodiscard]] Entry open_endpoint(const base::Endpoint& configured, const ListenerOptions& options,
                                      std::size_t workers) const;
    [[nodiscard]] Entry open_new(const base::Endpoint& configured, const conf::Config& config) const;
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
