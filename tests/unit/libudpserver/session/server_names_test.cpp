// Names between the main thread and the workers' threads, with real sockets and a real log.

#include <catch2/catch.hpp>

#include <poll.h>

#include <boost/asio/io_context.hpp>
#include <future>
#include <mutex>
#include <thread>

#include "base/log.hpp"
#include "libudpserver/session/server.hpp"
#include "tests/unit/base/log_directory.hpp"
#include "tests/unit/libudpserver/policy/policy_fixture.hpp"
#include "tests/unit/libudpserver/session/engine_fixture.hpp"

using namespace std::chrono_literals;
using session::CloseReason;

namespace {

const std::string name = "dns.example.com";
constexpr auto timeout = 5s;

struct NoMoreSockets : session::SocketSource {
    void request(std::size_t, unsigned, std::size_t) override {}
};

/// Answers inside the call, from a thread of its own, or when the test says so.
struct Lookups {
    enum class When { inside, in_a_thread, later } when = When::inside;
    base::LookupAnswer answer = found({"pc.example.com"});

    void ask(const base::LookupCallback& callback) {
        if (when == When::inside) return callback(answer);
        if (when == When::in_a_thread) return std::thread([callback, a = answer] { callback(a); }).detach();
        const std::lock_guard lock(mutex);
        kept.push_back(callback);
    }
    std::size_t asked() {
        const std::lock_guard lock(mutex);
        return kept.size();
    }
    std::mutex mutex;
    std::vector<base::LookupCallback> kept;
};

struct Running {
    explicit Running(conf::Config configuration, unsigned workers = 2)
        : config(with_workers(std::move(configuration), workers)),
          listeners(config),
          pool(net::pool_groups(config), 64, workers),
          arena(session::Arena::create(config.udpserver.max_sessions, 64)) {
        for (unsigned worker = 0; worker < workers; ++worker)
            pool.grow(0, worker, 16);
    }
    static conf::Config with_workers(conf::Config config, unsigned workers) {
        config.udpserver.workers = workers;
        return config;
    }
    std::unique_ptr<session::Server> make() {
        return std::make_unique<session::Server>(
            io, session::Server::Parts{
                    .config = config,
                    .listeners = listeners,
                    .pool = pool,
                    .arena = arena,
                    .make_proxy = [](auto&) { return std::make_unique<PlainProxy>(); },
                    .source = source,
                    .look_up = [this](const base::Lookup&,
                                      const base::LookupCallback& callback) { lookups.ask(callback); }});
    }
    [[nodiscard]] base::Endpoint address() const { return listeners.local(0); }

    conf::Config config;
    boost::asio::io_context io;
    net::ListenerSet listeners;
    net::SocketPool pool;
    session::Arena arena;
    NoMoreSockets source;
    Lookups lookups;
};

/// The next datagram, unless there is none within the timeout.
std::optional<LoopbackSocket::Received> wait_for(const LoopbackSocket& socket) {
    pollfd readable{socket.fd(), POLLIN, 0};
    ::poll(&readable, 1, static_cast<int>(std::chrono::milliseconds(timeout).count()));
    return socket.receive();
}

/// Runs the main loop until it is true, within the timeout.
bool comes_true(boost::asio::io_context& io, const std::function<bool()>& what) {
    const auto until = base::MonotonicClock::now() + timeout;
    while (!what() && base::MonotonicClock::now() < until) {
        io.restart();
        io.run_one_for(1ms);
    }
    return what();
}

base::Address loopback() {
    return *base::parse_address("127.0.0.1");
}

/// The log of this test, all levels up to debug.
struct Log {
    Log() {
        base::log::open(
            {.target = base::LogTarget::file, .path = directory.path("log"), .level = base::LogLevel::debug},
            "gw", true);
    }
    ~Log() { base::log::flush_and_close(); }
    [[nodiscard]] std::vector<std::string> lines_with(const std::string& text) const {
        std::vector<std::string> found;
        for (const std::string& line : directory.lines("log"))
            if (line.find(text) != std::string::npos) found.push_back(line);
        return found;
    }
    LogDirectory directory;
};

conf::Config config_for_pattern(const LoopbackSocket& server) {
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.session_acl[0].from = {pattern(".*\\.example\\.com")};
    return config;
}

}  // namespace

TEST_CASE("names that are updated before the start are in effect when it begins") {
    const LoopbackSocket server, client;
    Running running(config_for(accept_to_name(name, server.endpoint().port)));
    const auto reg = running.make();
    reg->update_name(name, {loopback()}, false);
    reg->update_name("unknown.example.com", {loopback()}, false);
    reg->start(false);
    REQUIRE(client.send_to(running.address(), "x"));
    REQUIRE(wait_for(server));
    CHECK(running.arena.totals(0).held.get() + running.arena.totals(1).held.get() == 0);
}

TEST_CASE("a change of a name is one line, with the sessions on removed addresses") {
    const LoopbackSocket server, client;
    const Log log;
    conf::Config config = config_for(accept_to_name(name, server.endpoint().port));
    config.session_acl[0].on_name_change = conf::OnNameChange::close;
    Running running(config);
    const auto reg = running.make();
    reg->start(false);
    reg->update_name(name, {loopback()}, false);
    REQUIRE(comes_true(running.io, [&] {
        return log.lines_with("LOGS-710-D name " + name + ": no addresses -> 127.0.0.1").size() == 1;
    }));
    CHECK(log.lines_with("NAMS-210-N").empty());

    REQUIRE(client.send_to(running.address(), "x"));
    REQUIRE(wait_for(server));
    reg->update_name(name, {*base::parse_address("127.0.0.3"), *base::parse_address("127.0.0.2")}, false);
    REQUIRE(comes_true(running.io, [&] { return !log.lines_with("NAMS-210-N").empty(); }));
    const auto lines = log.lines_with("NAMS-210-N");
    REQUIRE(lines.size() == 1);
    CHECK_THAT(lines[0], Catch::Contains("name " + name +
                                         ": 127.0.0.1 -> 127.0.0.2, 127.0.0.3, 1 sessions on removed "
                                         "addresses (closed)"));
    reg->update_name(name, {*base::parse_address("127.0.0.2"), *base::parse_address("127.0.0.3")}, false);
    reg->update_name(name, {}, true);
    bool all = false;
    reg->for_all_workers([](unsigned, auto&) {}, [&all] { all = true; });
    REQUIRE(comes_true(running.io, [&] { return all; }));
    CHECK(log.lines_with("NAMS-210-N").size() == 1);
}

TEST_CASE("a name without addresses moves no session [K-55]") {
    const LoopbackSocket server, client;
    const Log log;
    conf::Config config = config_for(accept_to_name(name, server.endpoint().port));
    config.session_acl[0].on_name_change = conf::OnNameChange::move;
    Running running(config);
    const auto reg = running.make();
    reg->start(false);
    reg->update_name(name, {loopback()}, false);
    REQUIRE(client.send_to(running.address(), "x"));
    REQUIRE(wait_for(server));
    reg->update_name(name, {}, false);
    REQUIRE(comes_true(running.io, [&] { return !log.lines_with("NAMS-210-N").empty(); }));
    CHECK_THAT(
        log.lines_with("NAMS-210-N")[0],
        Catch::Contains("-> no addresses, 1 sessions on removed addresses (kept, there is no other server)"));
}

TEST_CASE("updates that arrive faster than the workers apply them are merged into the newest") {
    const LoopbackSocket server;
    const Log log;
    Running running(config_for(accept_to_name(name, server.endpoint().port)));
    const auto reg = running.make();
    reg->start(false);
    std::promise<void> gate;
    reg->in_worker(
        1, [opened = gate.get_future().share()](auto&) { opened.wait(); }, [] {});
    for (int i = 0; i < 1000; ++i)
        reg->update_name(name, {*base::parse_address("127.0.0." + std::to_string(2 + i % 2))}, false);
    reg->update_name(name, {loopback()}, false);
    reg->update_name(name, {}, true);  // keeps its addresses
    gate.set_value();
    REQUIRE(comes_true(running.io, [&] { return !log.lines_with(" -> 127.0.0.1").empty(); }));
    CHECK(log.lines_with("name " + name).size() == 2);  // the first and the last
    const LoopbackSocket client;
    REQUIRE(client.send_to(running.address(), "x"));
    CHECK(wait_for(server));
    SECTION("and later updates are applied") {
        reg->update_name(name, {}, false);
        CHECK(
            comes_true(running.io, [&] { return log.lines_with("127.0.0.1 -> no addresses").size() == 1; }));
    }
}

TEST_CASE("an answer comes back to the worker, whichever thread it comes from") {
    const LoopbackSocket server, client;
    Running running(config_for_pattern(server), 1);
    running.lookups.when = GENERATE(Lookups::When::inside, Lookups::When::in_a_thread);
    const auto reg = running.make();
    reg->start(false);
    REQUIRE(client.send_to(running.address(), "x"));
    const auto received = wait_for(server);
    REQUIRE(received);
    CHECK(received->payload == "x");
}

TEST_CASE("an answer that arrives after the server is gone is ignored") {
    const LoopbackSocket server, client;
    Running running(config_for_pattern(server), 1);
    running.lookups.when = Lookups::When::later;
    auto reg = running.make();
    reg->start(false);
    REQUIRE(client.send_to(running.address(), "x"));
    REQUIRE(comes_true(running.io, [&] { return running.lookups.asked() == 1; }));
    SECTION("gone") {
        reg.reset();
    }
    SECTION("only stopped") {
        reg->leave();
    }
    running.lookups.kept[0](running.lookups.answer);
    CHECK(!server.receive());
}

TEST_CASE("without a source of look-ups clients that need one are refused soon") {
    const LoopbackSocket server, client;
    Running running(config_for_pattern(server), 1);
    session::Server reg(running.io, {.config = running.config,
                                     .listeners = running.listeners,
                                     .pool = running.pool,
                                     .arena = running.arena,
                                     .make_proxy = [](auto&) { return std::make_unique<PlainProxy>(); },
                                     .source = running.source});
    reg.start(false);
    REQUIRE(client.send_to(running.address(), "x"));
    const auto& refused =
        running.arena.totals(0).refused_by[static_cast<std::size_t>(CloseReason::resolve_failure)];
    CHECK(comes_true(running.io, [&] { return refused.get() == 1; }));
    std::vector<std::string> info;
    reg.info([&info](const std::vector<std::string>& lines) { info = lines; });
    REQUIRE(comes_true(running.io, [&] { return !info.empty(); }));
    CHECK(std::ranges::any_of(info, [](const std::string& line) {
        return line.starts_with("names: 0 clients waiting, 1 datagrams held");
    }));
}

TEST_CASE("INFO leaves out a worker that does not respond [K-20]") {
    const LoopbackSocket server;
    Running running(config_for(accept_to(server.endpoint())));
    const auto reg = running.make();
    reg->start(false);
    std::promise<void> gate;
    reg->in_worker(1, [opened = gate.get_future().share()](auto&) { opened.wait(); }, {});
    std::vector<std::string> info;
    reg->info([&info](const std::vector<std::string>& lines) { info = lines; });
    CHECK(comes_true(running.io, [&] { return !info.empty(); }));
    gate.set_value();
    CHECK(std::ranges::count_if(info, [](const std::string& line) {
              return line.find("does not respond") != std::string::npos;
          }) == 1);
}

TEST_CASE("log.names: the statistics record has the client's name, and only then the field") {
    const LoopbackSocket server, client;
    const Log log;
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.log.names = GENERATE(true, false);
    Engine engine(config);
    REQUIRE(round_trip(engine, client, server));
    if (config.log.names) engine.answer(found({"pc.example.com", "pc2.example.com"}));
    const LoopbackSocket known;
    REQUIRE(round_trip(engine, known, server));
    const LoopbackSocket unknown("127.0.0.3");
    REQUIRE(round_trip(engine, unknown, server));
    engine.sessions->close_all(CloseReason::process_end, engine.now);
    CHECK(log.lines_with("UDPP-888-I").size() == 3);
    CHECK(log.lines_with("CLIENT-NAME=\"pc.example.com\"").size() == (config.log.names ? 2 : 0));
    CHECK(log.lines_with("CLIENT-NAME=\"\"").size() == (config.log.names ? 1 : 0));
    CHECK(log.lines_with("CLIENT-NAME").size() == (config.log.names ? 3 : 0));
}
