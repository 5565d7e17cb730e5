// The example of udpserver(7), and that it does through real sockets what the page says.
// tests/lint/reasons.py sees to it that the page and this file agree.

#include <catch2/catch.hpp>

#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <string>

#include "libudpserver/net/listener_set.hpp"
#include "libudpserver/net/socket_pool.hpp"
#include "libudpserver/net/udp_socket.hpp"
#include "libudpserver/session/proxy.hpp"
#include "libudpserver/session/server.hpp"

namespace {

using session::SessionContext, session::Verdict;

class Knock : public session::SessionHandler {
public:
    Verdict on_client(SessionContext& context, net::Datagram& datagram) override {
        std::byte& open = context.state()[0];  // survives the death of REG
        if (open != std::byte{0}) return Verdict::forward;
        if (!std::ranges::equal(datagram.payload, word)) return Verdict::close;
        open = std::byte{1};
        context.send_to_client(welcome);
        return Verdict::drop;
    }
    Verdict on_server(SessionContext&, net::Datagram&) override { return Verdict::forward; }

private:
    static inline const auto word = std::as_bytes(std::span("knock", 5));
    static inline const auto welcome = std::as_bytes(std::span("welcome", 7));
};

class KnockProxy : public session::Proxy {
public:
    std::unique_ptr<session::SessionHandler> open(SessionContext&) override {
        return std::make_unique<Knock>();
    }
};

/// A socket on loopback with a timeout: a missing datagram fails the test instead of stopping it.
class Peer {
public:
    explicit Peer(int timeout_ms) : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        const timeval timeout{timeout_ms / 1000, timeout_ms % 1000 * 1000};
        ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
        net::bind_socket(fd_.get(), {loopback(), 0}, "peer");
    }
    static base::Address loopback() { return *base::parse_address("127.0.0.1"); }
    [[nodiscard]] base::Endpoint local() const { return net::local_endpoint(fd_.get()); }

    void send(const base::Endpoint& to, const std::string& text) {
        sockaddr_storage address;
        const socklen_t length = base::to_sockaddr(to, address);
        ::sendto(fd_.get(), text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&address), length);
    }
    /// Empty when nothing came.
    std::string receive() {
        std::array<char, 100> buffer;
        sockaddr_storage from;
        socklen_t length = sizeof from;
        const ssize_t got = ::recvfrom(fd_.get(), buffer.data(), buffer.size(), 0,
                                       reinterpret_cast<sockaddr*>(&from), &length);
        if (got < 0) return {};
        last_ = base::from_sockaddr(from, length);
        return {buffer.data(), static_cast<std::size_t>(got)};
    }
    [[nodiscard]] const base::Endpoint& last() const { return last_; }

private:
    base::UniqueFd fd_;
    base::Endpoint last_;
};

conf::Config config_for(const base::Endpoint& server) {
    conf::Config config;
    config.udpserver.max_sessions = 10;
    config.listen_on.push_back({Peer::loopback(), {0, 0}});
    conf::Rule rule;
    rule.name = "all";
    rule.action = conf::Action::accept;
    rule.plug_to.push_back({server, 1});
    config.session_acl.push_back(rule);
    return config;
}

class NoMoreSockets : public session::SocketSource {
public:
    void request(std::size_t, unsigned, std::size_t) override {}
};

/// A server of one worker with the example as its proxy.
struct Running {
    explicit Running(const conf::Config& configuration)
        : config(configuration),
          listeners(config),
          pool(net::pool_groups(config), 16),
          arena(session::Arena::create(config.udpserver.max_sessions, 16)) {
        static_cast<void>(pool.grow(0, 0, 16));
    }
    std::unique_ptr<session::Server> serve() {
        auto server = std::make_unique<session::Server>(
            io, session::Server::Parts{
                    .config = config,
                    .listeners = listeners,
                    .pool = pool,
                    .arena = arena,
                    .make_proxy = [](const conf::Config&) { return std::make_unique<KnockProxy>(); },
                    .source = source});
        server->start(false);
        return server;
    }

    conf::Config config;
    boost::asio::io_context io;
    net::ListenerSet listeners;
    net::SocketPool pool;
    session::Arena arena;
    NoMoreSockets source;
};

constexpr int patient = 5000, impatient = 100;

}  // namespace

TEST_CASE("the example of the manual lets in who knocks, and remembers it over the death of REG [K-50]") {
    Peer server(patient), client(patient);
    Running running(config_for(server.local()));
    const base::Endpoint listener = running.listeners.local(0);
    auto reg = running.serve();

    client.send(listener, "knock");
    CHECK(client.receive() == "welcome");
    client.send(listener, "hello");
    CHECK(server.receive() == "hello");
    server.send(server.last(), "hello yourself");
    CHECK(client.receive() == "hello yourself");

    reg->leave();
    reg.reset();
    reg = running.serve();
    client.send(listener, "still here");
    CHECK(server.receive() == "still here");
}

TEST_CASE("the example of the manual closes who does not knock, and forwards nothing of him [K-50]") {
    Peer server(impatient), client(patient);
    Running running(config_for(server.local()));
    const base::Endpoint listener = running.listeners.local(0);
    const auto reg = running.serve();

    client.send(listener, "let me in");
    CHECK(server.receive().empty());
    // The session is gone: the next datagram is a first one again.
    client.send(listener, "knock");
    CHECK(client.receive() == "welcome");
    using session::CloseReason;
    CHECK(running.arena.totals(0).closed_by[static_cast<std::size_t>(CloseReason::proxy)].get() == 1);
}
