#include <catch2/catch.hpp>

#include "tests/unit/libudpserver/session/engine_fixture.hpp"

using namespace std::chrono_literals;
using base::LookupAnswer;
using session::CloseReason;
using session::SessionContext;
using session::Verdict;
using Status = LookupAnswer::Status;
using Texts = std::vector<std::string>;

namespace {

std::string text_of(const net::Datagram& datagram) {
    return {reinterpret_cast<const char*>(datagram.payload.data()), datagram.payload.size()};
}

/// What the handlers of all sessions were asked, and what they are to do.
struct Script {
    Texts asked;
    std::function<Verdict(SessionContext&, net::Datagram&)> on_client;
    std::function<Verdict(SessionContext&, net::Datagram&)> on_server;
    SessionContext::Resolved on_answer = [](SessionContext&, const LookupAnswer&) {};
    std::vector<CloseReason> closed;
};

struct ScriptedHandler : session::SessionHandler {
    explicit ScriptedHandler(Script& s) : script(s) {}
    Verdict on_client(SessionContext& context, net::Datagram& datagram) override {
        script.asked.push_back(text_of(datagram));
        return script.on_client ? script.on_client(context, datagram) : Verdict::forward;
    }
    Verdict on_server(SessionContext& context, net::Datagram& datagram) override {
        return script.on_server ? script.on_server(context, datagram) : Verdict::forward;
    }
    void on_close(SessionContext& context, CloseReason reason) override {
        context.resume();
        CHECK(!context.set_server(*base::parse_endpoint("127.0.0.1:9")));
        script.closed.push_back(reason);
    }
    Script& script;
};

/// Looks "name" up with the first datagram and holds until the answer is there; goes to where it says.
struct Resolving : session::Proxy {
    [[nodiscard]] bool chooses_servers() const override { return true; }
    std::unique_ptr<session::SessionHandler> open(SessionContext&) override {
        return std::make_unique<ScriptedHandler>(script);
    }
    Script script;
    bool known = false;

    explicit Resolving(std::uint16_t port = 0) {
        script.on_client = [this](SessionContext& context, net::Datagram&) {
            if (known) return Verdict::forward;
            context.resolve("name", script.on_answer);
            return Verdict::hold;
        };
        script.on_answer = [this, port](SessionContext& context, const LookupAnswer& answer) {
            if (answer.status != Status::ok) return;
            known = true;
            if (port != 0) CHECK(context.set_server({answer.addresses.at(0), port}));
            context.resume();
        };
    }
};

Texts received(const LoopbackSocket& server) {
    Texts all;
    while (const auto datagram = server.receive())
        all.push_back(datagram->payload);
    return all;
}

void send(Engine& engine, const LoopbackSocket& client, const Texts& payloads) {
    for (const std::string& payload : payloads)
        REQUIRE(client.send_to(engine.address(), payload));
    engine.pump();
}

}  // namespace

TEST_CASE("a handler holds, looks up, sets the server and resumes: all is forwarded in order [K-58]") {
    const LoopbackSocket nobody, server("127.0.0.2"), client;
    Resolving proxy(server.endpoint().port);
    Engine engine(config_for(accept_to(nobody.endpoint())), 16, &proxy);
    send(engine, client, {"1", "2", "3"});
    CHECK(proxy.script.asked == Texts{"1"});
    REQUIRE(engine.lookups.open.size() == 1);
    CHECK(engine.lookups.open[0].question.name == "name");
    CHECK(received(nobody).empty());
    CHECK(engine.only().counters.client_datagrams == 3);
    CHECK(engine.only().counters.to_server_datagrams == 0);
    engine.answer(found_address(server.endpoint().address()));
    CHECK(proxy.script.asked == Texts{"1", "1", "2", "3"});
    CHECK(received(server) == Texts{"1", "2", "3"});
    CHECK(received(nobody).empty());
    CHECK(engine.only().counters.client_datagrams == 3);
    CHECK(engine.only().counters.to_server_datagrams == 3);
    CHECK(engine.totals().client_datagrams.get() == 3);
    CHECK(engine.totals().held.get() == 3);
    CHECK(engine.totals().dropped_by_proxy.get() == 0);
    CHECK(engine.only().server == server.endpoint());
    CHECK(round_trip(engine, client, server));
}

TEST_CASE("a look-up that failed ends a session that still holds, and no other") {
    const LoopbackSocket server, client;
    Resolving proxy;
    Engine engine(config_for(accept_to(server.endpoint())), 16, &proxy);
    send(engine, client, {"1", "2"});
    SECTION("the handler gives up") {
        engine.answer(no_answer(Status::server_failure));
        CHECK(engine.closed(CloseReason::resolve_failure) == 1);
        CHECK(proxy.script.closed == std::vector{CloseReason::resolve_failure});
        CHECK(engine.totals().hold_dropped.get() == 2);
    }
    SECTION("there is no such name: the handler's business") {
        engine.answer(no_answer(Status::no_data));
        CHECK(engine.sessions->open_sessions() == 1);
        engine.pass(31s);
        CHECK(engine.closed(CloseReason::unanswered) == 1);
        CHECK(engine.totals().hold_dropped.get() == 2);
    }
}

TEST_CASE("a failed look-up after which the handler resumes ends nothing") {
    const LoopbackSocket server, client;
    Resolving proxy;
    bool wait = true;
    proxy.script.on_client = [&](SessionContext& context, net::Datagram&) {
        if (!wait) return Verdict::forward;
        context.resolve("name", [&](SessionContext& later, const LookupAnswer&) {
            wait = false;
            later.resume();
        });
        return Verdict::hold;
    };
    Engine engine(config_for(accept_to(server.endpoint())), 16, &proxy);
    send(engine, client, {"1", "2"});
    engine.answer(no_answer(Status::server_failure));
    CHECK(received(server) == Texts{"1", "2"});
    CHECK(engine.sessions->open_sessions() == 1);
}

TEST_CASE("without a resolver the answer is 'failed', in a later turn") {
    const LoopbackSocket server, client;
    Resolving proxy;
    Engine engine(config_for(accept_to(server.endpoint())), 16, &proxy);
    engine.answers_lookups = false;
    engine.restart();
    send(engine, client, {"1"});
    CHECK(engine.sessions->open_sessions() == 1);
    engine.pass(1ms);
    CHECK(engine.closed(CloseReason::resolve_failure) == 1);
}

TEST_CASE("an answer for a closed session is dropped, even if its place is in use again") {
    const LoopbackSocket server, first, second;
    Resolving proxy;
    conf::Config config = config_for(accept_to(server.endpoint()), 1);
    config.session_acl[0].limits.unanswered = 1s;
    Engine engine(config, 16, &proxy);
    send(engine, first, {"1"});
    engine.pass(1200ms);
    REQUIRE(engine.sessions->open_sessions() == 0);
    SECTION("nobody") {
        engine.answer(found_address(server.endpoint().address()));
    }
    SECTION("another session") {
        send(engine, second, {"2"});
        REQUIRE(engine.sessions->open_sessions() == 1);
        engine.answer(found_address(server.endpoint().address()));
        CHECK(engine.sessions->open_sessions() == 1);
        engine.answer(no_answer(Status::server_failure));
        CHECK(engine.closed(CloseReason::resolve_failure) == 1);
    }
    CHECK(!proxy.known);
    CHECK(received(server).empty());
}

TEST_CASE(
    "what the server says goes to the client while its own datagrams wait, and a server may release them") {
    const LoopbackSocket server, client;
    Resolving proxy;
    proxy.known = true;
    Engine engine(config_for(accept_to(server.endpoint())), 16, &proxy);
    REQUIRE(round_trip(engine, client, server));
    proxy.script.on_client = [](SessionContext&, net::Datagram&) { return Verdict::hold; };
    send(engine, client, {"1", "2"});
    const base::Endpoint socket = [&] {
        for (std::size_t i = 0; i < engine.pool.sockets().size(); ++i)
            if (i == index_of(engine.only().socket))
                return net::local_endpoint(engine.pool.sockets()[i].fd.get());
        return base::Endpoint{};
    }();
    const base::Endpoint to(*base::parse_address("127.0.0.1"), socket.port);
    REQUIRE(server.send_to(to, "news"));
    engine.pump();
    CHECK(client.receive()->payload == "news");
    CHECK(received(server).empty());
    proxy.script.on_client = nullptr;
    proxy.script.on_server = [](SessionContext& context, net::Datagram&) {
        context.resume();
        return Verdict::forward;
    };
    REQUIRE(server.send_to(to, "go on"));
    engine.pump();
    CHECK(client.receive()->payload == "go on");
    CHECK(received(server) == Texts{"1", "2"});
}

TEST_CASE("a handler that holds again in the middle keeps the rest, and its changes") {
    const LoopbackSocket server, client;
    Resolving proxy;
    Engine engine(config_for(accept_to(server.endpoint())), 16, &proxy);
    send(engine, client, {"1", "2x", "3"});
    bool hold = true;
    proxy.script.on_client = [&](SessionContext& context, net::Datagram& datagram) {
        if (text_of(datagram)[0] != '2' || !hold) return Verdict::forward;
        datagram.payload = datagram.payload.first(1);
        context.resume();  // the verdict is the last word
        context.resolve("again", proxy.script.on_answer);
        return Verdict::hold;
    };
    engine.answer(found_address({}));
    CHECK(received(server) == Texts{"1"});
    hold = false;
    engine.answer(found_address({}));
    CHECK(received(server) == Texts{"2", "3"});
}

TEST_CASE("verdicts on held datagrams are what they are on others") {
    const LoopbackSocket server, client;
    Resolving proxy;
    Engine engine(config_for(accept_to(server.endpoint())), 16, &proxy);
    send(engine, client, {"1", "drop", "3", "close", "5", "6"});
    proxy.script.on_client = [](SessionContext&, net::Datagram& datagram) {
        const std::string text = text_of(datagram);
        return text == "drop" ? Verdict::drop : text == "close" ? Verdict::close : Verdict::forward;
    };
    engine.answer(found_address({}));
    CHECK(received(server) == Texts{"1", "3"});
    CHECK(engine.totals().dropped_by_proxy.get() == 2);
    CHECK(engine.totals().hold_dropped.get() == 2);
    CHECK(engine.closed(CloseReason::proxy) == 1);
}

TEST_CASE("to hold is for clients' datagrams: a server's is dropped") {
    const LoopbackSocket server, client;
    Resolving proxy;
    proxy.known = true;
    proxy.script.on_server = [](SessionContext&, net::Datagram&) { return Verdict::hold; };
    Engine engine(config_for(accept_to(server.endpoint())), 16, &proxy);
    send(engine, client, {"x"});
    REQUIRE(server.send_to(server.receive()->from, "y"));
    engine.pump();
    CHECK(!client.receive());
    CHECK(engine.totals().dropped_by_proxy.get() == 1);
    send(engine, client, {"z"});
    CHECK(received(server) == Texts{"z"});
}

TEST_CASE("what a session holds is bounded, and counts for its limits once") {
    const LoopbackSocket server, client;
    Resolving proxy;
    conf::Config config = config_for(accept_to(server.endpoint()));
    SECTION("the 17th datagram finds no room") {
        Engine engine(config, 16, &proxy);
        for (int i = 0; i < 17; ++i)
            send(engine, client, {"x"});
        CHECK(engine.totals().hold_dropped.get() == 1);
        CHECK(engine.only().counters.client_datagrams == 17);
        engine.answer(found_address({}));
        CHECK(received(server).size() == 16);
    }
    SECTION("with its last datagram the session lets go of the client, and still sends all") {
        config.session_acl[0].limits.client_datagrams = 2;
        config.session_acl[0].type = GENERATE(conf::SessionType::normal, conf::SessionType::one_way);
        Engine engine(config, 16, &proxy);
        send(engine, client, {"1", "2"});
        CHECK(engine.sessions->open_sessions() == 1);
        engine.answer(found_address({}));
        CHECK(received(server) == Texts{"1", "2"});
        const bool one_way = config.session_acl[0].type == conf::SessionType::one_way;
        CHECK(engine.closed(CloseReason::client_datagrams) == (one_way ? 1 : 0));
    }
}

TEST_CASE("a new REG takes a session that holds over without what it held; nothing hangs") {
    const LoopbackSocket server, client;
    Resolving proxy;
    Engine engine(config_for(accept_to(server.endpoint())), 16, &proxy);
    send(engine, client, {"1", "2"});
    engine.lookups.open.clear();
    CHECK(engine.restart().adopted == 1);
    proxy.script.asked.clear();
    send(engine, client, {"3"});
    CHECK(proxy.script.asked == Texts{"3"});
    engine.answer(found_address({}));
    CHECK(received(server) == Texts{"3"});
}

TEST_CASE("set_server while a session runs: another socket, and the old server is heard no more") {
    const LoopbackSocket old_server, new_server("127.0.0.2"), client;
    Resolving proxy;
    proxy.known = true;
    conf::Config config = config_for(accept_to(old_server.endpoint()));
    config.session_acl[0].type = GENERATE(conf::SessionType::normal, conf::SessionType::any_port);
    Engine engine(config, 16, &proxy);
    send(engine, client, {"1"});
    const base::Endpoint old_socket = old_server.receive()->from;
    bool moved = false;
    proxy.script.on_client = [&](SessionContext& context, net::Datagram& datagram) {
        if (text_of(datagram) == "move") moved = context.set_server(new_server.endpoint());
        return Verdict::forward;
    };
    REQUIRE(client.send_to(engine.address(), "2"));
    REQUIRE(client.send_to(engine.address(), "move"));
    engine.pump();
    CHECK(moved);
    CHECK(received(old_server) == Texts{"2"});
    const auto asked = new_server.receive();
    REQUIRE(asked);
    CHECK(asked->payload == "move");
    CHECK(asked->from != old_socket);
    old_server.send_to(old_socket, "late");  // refused by the kernel, or received by no socket
    engine.pump();
    CHECK(!client.receive());
    REQUIRE(new_server.send_to(asked->from, "here"));
    engine.pump();
    CHECK(client.receive()->payload == "here");
    CHECK(engine.only().counters.client_datagrams == 3);
    CHECK(engine.restart().adopted == 1);
    CHECK(round_trip(engine, client, new_server));
}

TEST_CASE("a server that cannot be had changes nothing") {
    const LoopbackSocket server, client;
    Resolving proxy;
    proxy.known = true;
    Engine engine(config_for(accept_to(server.endpoint())), 1, &proxy);
    std::string to;
    SECTION("of another family than plug-to has") {
        to = "[::1]:53";
    }
    SECTION("no port") {
        to = "127.0.0.1:0";
    }
    SECTION("no address") {
        to = "0.0.0.0:53";
    }
    SECTION("no particular server") {
        to = "224.0.0.1:53";
    }
    SECTION("this proxy: a loop") {
        to = base::to_string(engine.address());
    }
    SECTION("no socket is free") {
        to = "127.0.0.9:53";
    }
    bool moved = true;
    proxy.script.on_client = [&](SessionContext& context, net::Datagram&) {
        CHECK(context.set_server(server.endpoint()));  // where it is already
        moved = context.set_server(*base::parse_endpoint(to));
        return Verdict::forward;
    };
    send(engine, client, {"x"});
    CHECK(!moved);
    CHECK(received(server) == Texts{"x"});
    CHECK(engine.sessions->open_sessions() == 1);
}
