#include "libudpserver/session/worker.hpp"

#include <catch2/catch.hpp>
#include <future>

#include "tests/unit/libudpserver/session/engine_fixture.hpp"

TEST_CASE("what other workers hand over is bounded, and room comes back when it was forwarded") {
    const LoopbackSocket server, client;
    conf::Config config = config_for(accept_to(server.endpoint()));
    net::ListenerSet listeners(config);
    const net::SocketPool pool(net::pool_groups(config), 4);
    net::PoolPorts pool_ports(pool.groups());
    session::Arena arena = session::Arena::create(config.udpserver.max_sessions, 4);
    arena.map();
    PlainProxy proxy;
    session::Worker worker(session::EngineSetup{.config = config,
                                                .listeners = listeners,
                                                .pool = pool,
                                                .arena = arena,
                                                .worker = 0,
                                                .proxy = proxy,
                                                .start = base::MonotonicClock::now(),
                                                .request_sockets = [](std::size_t) {},
                                                .look_up = nullptr,
                                                .history = nullptr},
                           listeners, pool_ports,
                           {.hand_over = [](unsigned, session::Worker::Handed&) { return false; },
                            .hand_over_reply = {},
                            .report = {}});
    worker.sessions().adopt(false, base::MonotonicClock::now());
    worker.sessions().sockets_came(0, false, base::MonotonicClock::now());
    const auto give = [&] {
        std::vector<std::byte> payload(60'000);
        const net::Datagram datagram{
            .payload = payload, .from = client.endpoint(), .local = listeners.local(0)};
        session::Worker::Handed handed(0, datagram);
        return worker.take(handed);
    };
    std::size_t taken = 0;
    while (taken < 1000 && give())
        ++taken;
    CHECK(taken > 100);
    CHECK(taken * 60'000 <= 8u << 20);
    worker.start();
    std::promise<void> done;
    worker.post([&](session::SessionEngine&) { done.set_value(); });
    done.get_future().wait();
    CHECK(give());
    worker.stop();
    CHECK(arena.totals(0).refused.get() == taken + 1);  // there is no socket for any of them
}
