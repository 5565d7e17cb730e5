#include "libudpserver/net/listener_set.hpp"

#include <algorithm>

namespace net {

namespace {

bool has_broadcast(const conf::Config& config) {
    return std::ranges::any_of(config.session_acl, [](const conf::Rule& rule) {
        return rule.action == conf::Action::accept && rule.type == conf::SessionType::broadcast;
    });
}

ListenerOptions options_of(const conf::Config& config) {
    return {.reuse_port = config.udpserver.workers > 1,
            .answer_as_others = has_broadcast(config),
            .receive_buffer = config.udpserver.receive_buffer,
            .send_buffer = config.udpserver.send_buffer};
}

std::vector<base::Endpoint> endpoints_of(const conf::Config& config) {
    std::vector<base::Endpoint> result;
    for (const conf::ListenOn& entry : config.listen_on)
        for (unsigned port = entry.port.first; port <= entry.port.last; ++port)
            result.emplace_back(entry.address, static_cast<std::uint16_t>(port));
    return result;
}

}  // namespace

ListenerSet::ListenerSet(const conf::Config& config) : workers_(config.udpserver.workers) {
    const ListenerOptions options = options_of(config);
    for (const base::Endpoint& endpoint : endpoints_of(config))
        entries_.push_back(open_endpoint(endpoint, options));
    index_endpoints();
}

ListenerSet::Entry ListenerSet::open_endpoint(const base::Endpoint& configured,
                                              const ListenerOptions& options) const {
    Entry entry{configured, {}};
    // The first socket asks for the port alone: a second proxy would else share it, and the clients with it,
    // and nobody would be told (K-26).
    ListenerOptions alone = options;
    alone.reuse_port = false;
    entry.sockets.push_back(Listener::bind(configured, alone));
    if (options.reuse_port) entry.sockets.back().share_port();
    // Port 0: the other workers take the port that the first one got.
    const base::Endpoint local = entry.sockets.back().local();
    for (std::size_t worker = 1; worker < workers_; ++worker)
        entry.sockets.push_back(Listener::bind(local, options));
    return entry;
}

void ListenerSet::index_endpoints() {
    endpoints_.clear();
    for (std::size_t i = 0; i < size(); ++i)
        endpoints_.push_back(local(i));
    std::ranges::sort(endpoints_);
}

ListenerSet::Change ListenerSet::prepare(const conf::Config& config) const {
    Change change;
    change.options_ = options_of(config);
    std::vector<bool> taken(size());
    for (const base::Endpoint& endpoint : endpoints_of(config)) {
        std::size_t i = 0;
        while (i < size() && (taken[i] || entries_[i].configured != endpoint))
            ++i;
        Change::Place& place = change.places_.emplace_back();
        if (i < size()) {
            taken[i] = true;
            place.kept = i;
        } else {
            place.opened = open_endpoint(endpoint, change.options_);
        }
    }
    for (const Change::Place& place : change.places_) {
        if (!place.kept) continue;
        for (const Listener& socket : entries_[*place.kept].sockets)
            socket.set_options(change.options_);
    }
    return change;
}

void ListenerSet::apply(Change change) {
    std::vector<Entry> next;
    next.reserve(change.places_.size());
    for (Change::Place& place : change.places_)
        next.push_back(std::move(place.kept ? entries_[*place.kept] : place.opened));
    entries_ = std::move(next);
    index_endpoints();
}

bool ListenerSet::listens_at(const base::Endpoint& endpoint, const base::Address& own) const {
    if (std::ranges::binary_search(endpoints_, endpoint)) return true;
    const base::Endpoint any(base::Address::any(endpoint.family), endpoint.port);
    return endpoint.address() == own && std::ranges::binary_search(endpoints_, any);
}

std::vector<int> ListenerSet::descriptors() const {
    std::vector<int> result;
    for (const Entry& entry : entries_)
        for (const Listener& socket : entry.sockets)
            result.push_back(socket.descriptor());
    return result;
}

}  // namespace net
