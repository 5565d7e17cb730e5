#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libudpserver/net/listener_set.hpp"
#include "libudpserver/net/own_sockets.hpp"
#include "libudpserver/net/socket_pool.hpp"
#include "libudpserver/session/session_engine.hpp"
#include "tests/unit/libudpserver/net/loopback.hpp"

/// Sockets that a test has made itself.
struct OwnSide : net::OwnSockets {
    explicit OwnSide(const net::MuteFilter& filter) : OwnSockets(filter, ports) {}
    void add(session::SocketIndex index, int fd) { OwnSockets::add(index, fd, {}); }

    net::PoolPorts ports{{}};
};

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
    config.udpserver.unanswered_share = config.udpserver.unconfirmed_share = 100;
    config.udpserver.source_share = 100;
    config.listen_on = {{*base::parse_address("127.0.0.1"), {0, 0}}};
    config.session_acl = {rule};
    return config;
}

/// A rule whose only server is a name.
inline conf::Rule accept_to_name(const std::string& name, std::uint16_t port) {
    conf::Rule rule = accept_to({base::Address{}, port});
    rule.plug_to[0].name = name;
    return rule;
}

/// On-line look-ups as the test wants them: questions are written down, answers come when the test gives
/// them.
class ScriptedLookups {
public:
    struct Asked {
        base::Lookup question;
        session::LookupDone done;
    };
    std::function<void(base::Lookup, session::LookupDone)> port() {
        return [this](base::Lookup question, session::LookupDone done) {
            ++count;
            open.push_back({std::move(question), std::move(done)});
        };
    }

    std::deque<Asked> open;  ///< not answered yet, the oldest first
    std::size_t count = 0;   ///< questions since the start
};

inline base::LookupAnswer found(std::vector<std::string> names, base::Duration ttl = base::Duration(60000)) {
    base::LookupAnswer answer;
    answer.status = base::LookupAnswer::ok;
    answer.names = std::move(names);
    answer.ttl = ttl;
    return answer;
}
inline base::LookupAnswer found_address(const base::Address& address) {
    base::LookupAnswer answer = found({});
    answer.addresses = {address};
    return answer;
}
inline base::LookupAnswer no_answer(base::LookupAnswer::Status status, base::Duration ttl = {}) {
    base::LookupAnswer answer;
    answer.status = status;
    answer.ttl = ttl;
    answer.detail = "by the test";
    return answer;
}

/// The engine between real loopback sockets and with a clock of the test's own. Loopback delivers inside
/// send(), so a pump() has seen everything that was sent before it.
class Engine {
public:
    explicit Engine(conf::Config configuration, std::size_t sockets = 16, session::Proxy* proxy = nullptr)
        : config(std::move(configuration)),
          listeners(config),
          pool(net::pool_groups(config), sockets),
          pool_ports(pool.groups()),
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
        sessions = std::make_unique<session::SessionEngine>(
            session::EngineSetup{.config = config,
                                 .listeners = listeners,
                                 .pool = pool,
                                 .arena = arena,
                                 .worker = 0,
                                 .proxy = proxy_,
                                 .start = now,
                                 .side = &side,
                                 .request_sockets = [this](std::size_t group) { requests.push_back(group); },
                                 .look_up = answers_lookups ? lookups.port() : nullptr,
                                 .history = history,
                                 .read_addresses = [this] { return machine; }});
        for (std::size_t i = 0; i < pool.sockets().size(); ++i) {
            if (pool.groups()[pool.sockets()[i].group].family == without_family) continue;
            const session::SocketIndex index{static_cast<std::uint32_t>(i)};
            const net::SocketPool::Socket& socket = pool.sockets()[i];
            side.add(index, socket.fd.get(), pool.groups()[socket.group].source);
            sessions->add_socket(index, socket.group);
        }
        return sessions->adopt(fresh, now);
    }

    /// One turn of a worker over all sockets.
    void pump() {
        while (read_listener() > 0)
            turn();
        for (std::size_t place = 0; place < pool.sockets().size(); ++place) {
            const session::SocketIndex socket{static_cast<std::uint32_t>(place)};
            const auto result = batch_.receive(pool.sockets()[place].fd.get(), {}, 8);
            if (result.error != 0) sessions->on_server_error(socket, result.error, now);
            for (net::Datagram& datagram : result.datagrams) {
                sessions->on_server(socket, datagram, now);
            }
            turn();
        }
    }

    /// The parent has no more sockets, and says so.
    void end_supply() {
        for (std::size_t group = 0; group < pool.groups().size(); ++group)
            sessions->sockets_came(group, false, now);
        turn();
    }

    /// A name of the configuration means these addresses from now on.
    std::size_t news(const std::string& name, const std::vector<std::string>& addresses) {
        policy::Names::Addresses parsed;
        for (const std::string& address : addresses)
            parsed.push_back(*base::parse_address(address));
        return tell(name, std::move(parsed), false);
    }
    std::size_t unresolved(const std::string& name) { return tell(name, {}, true); }

    /// Answers the oldest open question, in a turn of its own.
    void answer(const base::LookupAnswer& answer) {
        const ScriptedLookups::Asked asked = std::move(lookups.open.front());
        lookups.open.pop_front();
        asked.done(*sessions, answer, now);
        sessions->settle(now);
    }

    void pass(base::Duration time) {
        now += time;
        sessions->tick(now);
        sessions->settle(now);
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

    [[nodiscard]] session::SessionId id_of_only() {
        session::Record& record = only();
        return {static_cast<session::Slot>(&record - arena.records().data()), record.generation};
    }

    conf::Config config;
    net::ListenerSet listeners;
    net::SocketPool pool;
    net::PoolPorts pool_ports;
    net::OwnSockets side{pool.filter(), pool_ports};
    session::Arena arena;
    base::Instant now{std::chrono::hours(1)};
    std::vector<std::size_t> requests;
    std::vector<base::Address> machine;  ///< the addresses of its interfaces, sorted
    ScriptedLookups lookups;
    const session::PolicyHistory* history = nullptr;   ///< from the next restart() on
    base::Family without_family = base::Family::none;  ///< no sockets of it, from the next restart() on
    bool answers_lookups = true;  ///< false: no look-up is answered, from the next restart() on
    std::unique_ptr<session::SessionEngine> sessions;

private:
    std::size_t tell(const std::string& name, policy::Names::Addresses addresses, bool unresolved) {
        const std::size_t index = sessions->names().index(name).value();
        const std::size_t left = sessions->update_name(index, std::move(addresses), unresolved, now);
        sessions->settle(now);
        return left;
    }

    std::size_t read_listener() {
        const auto result = listeners.at(0, 0).read(batch_, 32);
        for (net::Datagram& datagram : result.datagrams)
            sessions->on_client(0, datagram, now);
        return result.datagrams.size();
    }

    void turn() {
        sessions->settle(now);
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
