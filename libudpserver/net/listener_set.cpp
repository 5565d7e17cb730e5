#include "libudpserver/net/listener_set.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "libudpserver/net/udp_socket.hpp"

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
        entries_.push_back(open_endpoint(endpoint, options, workers_));
    index_endpoints();
}

ListenerSet::ListenerSet(std::size_t workers, Steering steering, std::vector<Entry> entries)
    : workers_(workers), steered_(false), steering_(steering), entries_(std::move(entries)) {
    index_endpoints();
}

ListenerSet::Entry ListenerSet::open_endpoint(const base::Endpoint& configured,
                                              const ListenerOptions& options, std::size_t workers) const {
    Entry entry{configured, {}};
    // The first socket binds the port exclusively: otherwise a second proxy could share it, and the clients
    // with it, without an error (K-26).
    ListenerOptions alone = options;
    alone.reuse_port = false;
    entry.sockets.push_back(Listener::bind(configured, alone));
    std::ranges::move(open_more(entry, options, workers), std::back_inserter(entry.sockets));
    if (workers > 1) steer_before(entry, workers);
    return entry;
}

/// For a set that serves already: the kernel would name proxyd itself as the owner of the port.
ListenerSet::Entry ListenerSet::open_new(const base::Endpoint& configured, const conf::Config& config) const {
    const auto overlaps = [&configured](const base::Endpoint& own) {
        return own.family == configured.family && own.port == configured.port &&
               (own.address().is_any() || configured.address().is_any());
    };
    const auto own = std::ranges::find_if(endpoints_, overlaps);
    if (own != endpoints_.end())
        throw std::runtime_error(base::to_string(configured) + " overlaps " + base::to_string(*own) +
                                 ", where proxyd listens now; restart proxyd to apply");
    return open_endpoint(configured, options_of(config), config.udpserver.workers);
}

/// The sockets that this endpoint lacks for this number of workers. With port 0 they bind the port of the
/// first one.
std::vector<Listener> ListenerSet::open_more(Entry& entry, const ListenerOptions& options,
                                             std::size_t workers) const {
    std::vector<Listener> more;
    Listener& first = entry.sockets.front();
    if (workers > entry.sockets.size()) first.share_port();
    while (entry.sockets.size() + more.size() < workers)
        more.push_back(Listener::bind(first.local(), options));
    return more;
}

int ListenerSet::attach(const Entry& entry, std::size_t workers) const {
    const Listener& first = entry.sockets.front();
    return steering_.attach(first.descriptor(), first.local().family, static_cast<unsigned>(workers));
}

void ListenerSet::steer_before(const Entry& entry, std::size_t workers) const {
    if (const int error = attach(entry, workers); error != 0)
        throw SocketError(base::to_string(entry.sockets.front().local()), "SO_ATTACH_REUSEPORT_CBPF", error);
}

void ListenerSet::steer() {
    if (std::exchange(steered_, true)) return;
    // If the kernel refuses, the previous rule stays, and the workers hand over to each other.
    for (const Entry& entry : entries_)
        if (entry.sockets.size() > 1) static_cast<void>(attach(entry, workers_));
}

void ListenerSet::restore() const {
    for (const int socket : descriptors()) {
        if (is_connected(socket)) static_cast<void>(disconnect_socket(socket));
        static_cast<void>(unmute(socket));
    }
}

void ListenerSet::index_endpoints() {
    endpoints_.clear();
    for (std::size_t i = 0; i < size(); ++i)
        endpoints_.push_back(local(i));
    std::ranges::sort(endpoints_);
}

ListenerSet::Change ListenerSet::prepare(const conf::Config& config) {
    Change change;
    change.workers_ = config.udpserver.workers;
    const ListenerOptions options = options_of(config);
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
            place.opened = open_new(endpoint, config);
        }
    }
    for (Change::Place& place : change.places_) {
        if (!place.kept) continue;
        Entry& entry = entries_[*place.kept];
        for (const Listener& socket : entry.sockets)
            socket.set_options(options);
        place.opened.sockets = open_more(entry, options, change.workers_);
        // The new ones have no reader yet.
        if (!place.opened.sockets.empty() && steered_) steer_before(entry, workers_);
    }
    return change;
}

void ListenerSet::check(const conf::Config& config) const {
    const auto is_new = [this](const base::Endpoint& endpoint) {
        return std::ranges::none_of(entries_,
                                    [&](const Entry& entry) { return entry.configured == endpoint; });
    };
    std::vector<Entry> opened;  // all at once, as prepare() needs them
    for (const base::Endpoint& endpoint : endpoints_of(config))
        if (is_new(endpoint)) opened.push_back(open_new(endpoint, config));
}

void ListenerSet::apply(Change change) {
    std::vector<Entry> next;
    next.reserve(change.places_.size());
    for (Change::Place& place : change.places_) {
        if (!place.kept) {
            next.push_back(std::move(place.opened));
            continue;
        }
        Entry& entry = next.emplace_back(std::move(entries_[*place.kept]));
        std::ranges::move(place.opened.sockets, std::back_inserter(entry.sockets));
    }
    entries_ = std::move(next);
    steered_ = workers_ == change.workers_ && steered_;
    workers_ = change.workers_;
    index_endpoints();
}

std::size_t ListenerSet::leftovers() const {
    std::size_t most = 0;
    for (const Entry& entry : entries_)
        most = std::max(most, entry.sockets.size() - workers_);
    return most;
}

void ListenerSet::close_leftovers() {
    for (Entry& entry : entries_)
        while (entry.sockets.size() > workers_)
            entry.sockets.pop_back();
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
