#include "libudpserver/net/listener_set.hpp"

#include <algorithm>

namespace net {

namespace {

bool has_broadcast(const conf::Config& config) {
    return std::ranges::any_of(config.session_acl, [](const conf::Rule& rule) {
        return rule.action == conf::Action::accept && rule.type == conf::SessionType::broadcast;
    });
}

}  // namespace

ListenerSet::ListenerSet(const conf::Config& config) : workers_(config.udpserver.workers) {
    const ListenerOptions options{.reuse_port = workers_ > 1,
                                  .answer_as_others = has_broadcast(config),
                                  .receive_buffer = config.udpserver.receive_buffer,
                                  .send_buffer = config.udpserver.send_buffer};
    for (const conf::ListenOn& entry : config.listen_on) {
        for (unsigned port = entry.port.first; port <= entry.port.last; ++port) {
            open_endpoint({entry.address, static_cast<std::uint16_t>(port)}, options);
        }
    }
    for (std::size_t i = 0; i < size(); ++i)
        endpoints_.push_back(local(i));
    std::ranges::sort(endpoints_);
}

void ListenerSet::open_endpoint(base::Endpoint local, const ListenerOptions& options) {
    // The first socket asks for the port alone: a second proxy would else share it, and the clients with it,
    // and nobody would be told (K-26).
    ListenerOptions alone = options;
    alone.reuse_port = false;
    sockets_.push_back(Listener::bind(local, alone));
    if (options.reuse_port) sockets_.back().share_port();
    local = sockets_.back().local();  // port 0: the other workers take the port that the first one got
    for (std::size_t worker = 1; worker < workers_; ++worker) {
        sockets_.push_back(Listener::bind(local, options));
    }
}

bool ListenerSet::listens_at(const base::Endpoint& endpoint, const base::Address& own) const {
    if (std::ranges::binary_search(endpoints_, endpoint)) return true;
    const base::Endpoint any(base::Address::any(endpoint.family), endpoint.port);
    return endpoint.address() == own && std::ranges::binary_search(endpoints_, any);
}

std::vector<int> ListenerSet::descriptors() const {
    std::vector<int> result;
    for (const Listener& listener : sockets_)
        result.push_back(listener.descriptor());
    return result;
}

}  // namespace net
