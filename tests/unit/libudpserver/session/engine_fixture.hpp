#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libudpserver/net/listener_set.hpp"
#include "libudpserver/net/socket_pool.hpp"
#include "libudpserver/session/sessions.hpp"
#include "tests/unit/libudpserver/net/loopback.hpp"

/// A proxy without code of its own.
struct PlainProxy : session::Proxy {
    std::unique_ptr<session::SessionHandler> open(session::SessionContext&) override { return nullptr; }
};

inline conf::Rule accept_to(const base::Endpoint& server) {
    conf::Rule rule;
    rule.name = "accept";
    rule.action = conf::Action::accept;
    rule.plug_to = {{server, 1}};
    return rule;
}

inline conf::Config config_for(const conf::Rule& rule, std::uint32_t max_sessions = 8) {
    conf::Config config;
    config.name = "test";
    config.udpserver.max_sessions = max_sessions;
    config.udpserver.unanswered_share = 100;
    config.listen_on = {{*base::parse_address("127.0.0.1"), {0, 0}}};
    config.session_acl = {rule};
    return config;
}

/// The engine between real loopback sockets and with a clock of the test's own. Loopback delivers inside
/// send(), so a pump() has seen everything that was sent before it.
class Engine {
public:
    explicit Engine(conf::Config configuration, std::size_t sockets = 16, session::Proxy* proxy = nullptr)
        : config(std::move(configuration)),
          listeners(config),
          pool(net::pool_groups(config), sockets),
          arena(session::Arena::create(config.udpserver.max_sessions, sockets)),
          proxy_(proxy != nullptr ? *proxy : plain_) {
        for (std::size_t group = 0; group < pool.groups().size(); ++group) {
            pool.grow(group, 0, sockets / pool.groups().size());
        }
        arena.map();
        restart();
    }

    /// What a new REG does: a new engine adopts what is in the arena.
    session::Adoption restart(bool fresh = false) {
        sessions.reset();
        sessions = std::make_unique<session::Sessions>(session::SessionsSetup{
            .config = config,
            .listeners = listeners,
            .pool = pool,
            .arena = arena,
            .worker = 0,
            .proxy = proxy_,
            .start = now,
            .add_to_poller = [](int, session::Slot) {},
            .request_sockets = [this](std::size_t group) { requests.push_back(group); }});
        for (std::size_t i = 0; i < pool.sockets().size(); ++i) {
            sessions->add_socket(static_cast<session::Slot>(i), pool.sockets()[i].fd.get(),
                                 pool.sockets()[i].group);
        }
        listeners.at(0, 0).on_datagram(
            [this](net::Listener&, net::Datagram& datagram) { sessions->on_client(0, datagram, now); });
        return sessions->adopt(fresh, now);
    }

    /// One turn of a worker over all sockets.
    void pump() {
        while (listeners.at(0, 0).read(batch_, 32) > 0)
            turn();
        for (std::size_t place = 0; place < pool.sockets().size(); ++place) {
            const auto result = batch_.receive(pool.sockets()[place].fd.get(), {}, 8);
            if (result.error != 0) sessions->on_server_error(static_cast<session::Slot>(place), result.error);
            for (net::Datagram& datagram : result.datagrams) {
                sessions->on_server(static_cast<session::Slot>(place), datagram, now);
            }
            turn();
        }
    }

    void pass(base::Duration time) {
        now += time;
        sessions->tick(now);
        sessions->end_turn(now);
    }

    [[nodiscard]] base::Endpoint address() const { return listeners.local(0); }
    [[nodiscard]] const session::Totals& totals() const { return arena.totals(0); }
    [[nodiscard]] std::uint64_t refused(session::CloseReason reason) const {
        return totals().refused_by[static_cast<std::size_t>(reason)].get();
    }
    [[nodiscard]] std::uint64_t closed(session::CloseReason reason) const {
        return totals().closed_by[static_cast<std::size_t>(reason)].get();
    }
    /// The only session there is.
    [[nodiscard]] session::Record& only() {
        session::Record* found = nullptr;
        for (session::Record& record : arena.records()) {
            if (record.state != session::State::free) found = &record;
        }
        return *found;
    }

    conf::Config config;
    net::ListenerSet listeners;
    net::SocketPool pool;
    session::Arena arena;
    base::Instant now{std::chrono::hours(1)};
    std::vector<std::size_t> requests;
    std::unique_ptr<session::Sessions> sessions;

private:
    void turn() {
        sessions->end_turn(now);
        batch_.clear();
    }

    PlainProxy plain_;
    session::Proxy& proxy_;
    net::ReceiveBatch batch_{64};
};

/// A client asks, the engine forwards, the server answers, the engine brings it back.
inline bool round_trip(Engine& engine, const LoopbackSocket& client, const LoopbackSocket& server,
                       const std::string& payload = "ask") {
    if (!client.send_to(engine.address(), payload)) return false;
    engine.pump();
    const auto request = server.receive();
    if (!request || request->payload != payload) return false;
    if (!server.send_to(request->from, "re:" + payload)) return false;
    engine.pump();
    const auto reply = client.receive();
    return reply && reply->payload == "re:" + payload && reply->from == engine.address();
}
