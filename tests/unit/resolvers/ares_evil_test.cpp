// What dead, slow, lying and garbage name servers do to a look-up: bounded effort, a counted reason, never a
// wrong address.
#include <fcntl.h>

#include <catch2/catch.hpp>
#include <optional>
#include <set>

#include "tests/unit/resolvers/resolver_fixture.hpp"

using namespace resolvers;
using namespace std::chrono_literals;

namespace {

const char* const truth = "192.0.2.1";
const char* const lie = "203.0.113.66";

Reply true_reply(const Asked& asked) {
    return Reply(asked.packet).a(asked.name, truth);
}

/// First a lie, then, a little later, the true answer.
EvilServer::Script lie_first(std::function<void(EvilServer&, const Asked&, Reply&)> tell) {
    return [tell = std::move(tell)](EvilServer& server, const Asked& asked) {
        Reply reply = Reply(asked.packet).a(asked.name, lie);
        tell(server, asked, reply);
        server.after(20ms, [&server, asked] { server.send(asked, true_reply(asked)); });
    };
}

}  // namespace

TEST_CASE("a forged answer is dropped and the true one waited for [K-61]") {
    const auto check = [](std::function<void(EvilServer&, const Asked&, Reply&)> tell) {
        Fixture fixture(lie_first(std::move(tell)));
        CHECK(text(fixture.ask("www.example.com")) == "ok 192.0.2.1");
        CHECK(fixture.server().questions.size() == 1);
        return fixture.counters();
    };
    SECTION("wrong id") {
        CHECK(check([](EvilServer& server, const Asked& asked, Reply& reply) {
                  server.send(asked,
                              reply.id(static_cast<unsigned>(asked.packet[0] << 8 | asked.packet[1]) ^ 1u));
              }).not_ours == 1);
    }
    SECTION("wrong letter case") {
        CHECK(check([](EvilServer& server, const Asked& asked, Reply& reply) {
                  server.send(asked, reply.other_case());
              }).not_ours == 1);
    }
    SECTION("a question instead of an answer") {
        CHECK(check([](EvilServer& server, const Asked& asked, Reply& reply) {
                  server.send(asked, reply.flags(0x0100));
              }).not_ours == 1);
    }
    SECTION("garbage, an empty datagram, a very long one") {
        CHECK(check([](EvilServer& server, const Asked& asked, Reply&) {
                  server.send(asked, Bytes(100, 0xff));
                  server.send(asked, Bytes{});
                  server.send(asked, Bytes(9000, 0));
              }).not_ours == 3);
    }
    SECTION("wrong source port: the kernel drops it") {
        CHECK(check([](EvilServer& server, const Asked& asked, Reply& reply) {
                  server.send_from_elsewhere(asked, reply);
              }).not_ours == 0);
    }
    SECTION("right in everything, but malformed") {
        CHECK(check([](EvilServer& server, const Asked& asked, Reply& reply) {
                  server.send(asked, reply.count(1, 1000));
              }).malformed == 1);
    }
    SECTION("longer than 4096 bytes") {
        CHECK(check([](EvilServer& server, const Asked& asked, Reply& reply) {
                  server.send(asked, reply.record({0}, 16, 60, Bytes(4100)));
              }).malformed == 1);
    }
}

TEST_CASE("what is out of bailiwick is passed over") {
    Fixture fixture([](EvilServer& server, const Asked& asked) {
        server.send(asked, Reply(asked.packet).a("bank.example", lie).a(asked.name, truth));
    });
    CHECK(text(fixture.ask("www.example.com")) == "ok 192.0.2.1");
    CHECK(text(fixture.ask("bank.example")) == "ok 192.0.2.1 203.0.113.66");
}

TEST_CASE("10,000 forged answers are sprayed, none is accepted [K-61]") {
    std::uint32_t state = 1;
    const auto spray = [&](EvilServer& server, const Asked& asked) {
        for (int i = 0; i < 100; ++i) {
            state = state * 1664525u + 1013904223u;
            const unsigned id = static_cast<unsigned>(asked.packet[0] << 8 | asked.packet[1]);
            Reply reply = Reply(asked.packet).a(asked.name, lie);
            // Half guess the id and know the letter case, half know the id and guess the case.
            if (i % 2 == 0)
                reply.id(id ^ (1 + state % 65535));
            else
                reply.other_case();
            server.send(asked, reply);
        }
    };
    // One burst after the other, however slow the machine is: the resolver reads meanwhile.
    std::function<void(EvilServer&, const Asked&, int)> burst = [&](EvilServer& server, const Asked& asked,
                                                                    int left) {
        if (left == 0) return server.send(asked, true_reply(asked));
        spray(server, asked);
        server.after(5ms, [&, asked, left] { burst(server, asked, left - 1); });
    };
    Fixture fixture([&](EvilServer& server, const Asked& asked) { burst(server, asked, 10); });
    fixture.settings.server_timeout = 5s;
    fixture.start();
    for (int i = 0; i < 10; ++i)
        CHECK(text(fixture.ask("n" + std::to_string(i) + ".example")) == "ok 192.0.2.1");
    // The socket's buffer may have lost a few; what came was dropped.
    CHECK(fixture.counters().not_ours > 9000);
    CHECK(fixture.counters().outcomes[Answer::ok] == 10);
}

TEST_CASE("every look-up has a source port and an id of its own [K-61]") {
    Fixture fixture(always(truth));
    int answered = 0;
    for (int i = 0; i < 1000; ++i)
        fixture.resolver->ask(Question{"n" + std::to_string(i) + ".example"}, [&](const Answer& answer) {
            CHECK(answer.status == Answer::ok);
            ++answered;
        });
    CHECK(fixture.resolver->running() == 64);
    CHECK(fixture.resolver->waiting() == 936);
    fixture.run_until([&] { return answered == 1000; });
    std::set<unsigned> ports, ids;
    for (const Asked& asked : fixture.server().questions) {
        ports.insert(asked.from.port());
        ids.insert(static_cast<unsigned>(asked.packet[0] << 8 | asked.packet[1]));
    }
    CHECK(ports.size() >= 900);
    CHECK(ids.size() >= 900);
}

TEST_CASE("a silent server costs bounded effort, then the next one is asked [K-62]") {
    Fixture fixture;
    fixture.add_server(silent());
    fixture.add_server(always(truth));
    fixture.start();
    const auto answer = fixture.ask("www.example.com");
    CHECK(text(answer) == "ok 192.0.2.1");
    CHECK(answer.detail == "#2");
    CHECK(fixture.counters().silent == 1);
    // The silent one is not asked first again.
    CHECK(text(fixture.ask("other.example.com")) == "ok 192.0.2.1");
    CHECK(fixture.server(0).questions.size() == 1);
}

TEST_CASE("all servers silent: timed out, with who and why") {
    Fixture fixture;
    fixture.add_server(silent());
    fixture.add_server(silent());
    fixture.settings.server_timeout = 50ms;
    fixture.start();
    const auto answer = fixture.ask("www.example.com");
    CHECK(answer.status == Answer::timed_out);
    CHECK(answer.detail == "A: #1 no answer, #2 no answer");
    CHECK(fixture.server(0).questions.size() == 2);
    CHECK(fixture.server(1).questions.size() == 2);
    CHECK(fixture.counters().silent == 4);
}

TEST_CASE("failing servers: the next one, and a reason for each [K-62]") {
    Fixture fixture;
    fixture.add_server(fails(2));
    fixture.add_server(fails(5));
    const auto dead = fixture.add_server(silent()).endpoint();
    fixture.servers.pop_back();  // its port is closed now
    fixture.settings.tries = 1;
    fixture.start();
    const auto answer = fixture.ask("www.example.com");
    CHECK(dead.port != 0);
    CHECK(answer.status == Answer::server_failure);
    CHECK_THAT(answer.detail, Catch::StartsWith("A: #1 SERVFAIL, #2 REFUSED, #3 "));
    CHECK(fixture.counters().unreachable == 1);
    fixture.settings.servers.push_back(fixture.add_server(always(truth)).endpoint());
    fixture.start();
    CHECK(text(fixture.ask("www.example.com")) == "ok 192.0.2.1");
}

TEST_CASE("a server that sends only what cannot be used is a failure, not a silence") {
    Fixture fixture([](EvilServer& server, const Asked& asked) {
        server.send(asked, Reply(asked.packet).cname(asked.name, asked.name));
    });
    const auto answer = fixture.ask("www.example.com");
    CHECK(answer.status == Answer::server_failure);
    CHECK(answer.detail == "A: #1 a loop of aliases, or too many");
    CHECK(fixture.counters().malformed == 2);
}

TEST_CASE("a truncated answer is asked for again by TCP [K-62]") {
    Fixture fixture([](EvilServer& server, const Asked& asked) {
        Reply reply = Reply(asked.packet).a(asked.name, asked.tcp ? truth : lie);
        server.send(asked, asked.tcp ? reply : reply.flags(0x8380));
    });
    CHECK(text(fixture.ask("www.example.com")) == "ok 192.0.2.1");
    CHECK(fixture.counters().truncated == 1);
    CHECK(fixture.counters().sent_udp == 1);
    CHECK(fixture.counters().sent_tcp == 1);
    // The question over TCP is a new one.
    CHECK(fixture.server().questions[0].packet != fixture.server().questions[1].packet);
}

TEST_CASE("truncated by TCP too is a failure") {
    Fixture fixture([](EvilServer& server, const Asked& asked) {
        server.send(asked, Reply(asked.packet).flags(0x8380));
    });
    CHECK(fixture.ask("www.example.com").status == Answer::server_failure);
    CHECK(fixture.counters().sent_udp == 2);
    CHECK(fixture.counters().sent_tcp == 2);
}

TEST_CASE("by TCP only") {
    Fixture fixture([](EvilServer& server, const Asked& asked) {
        Reply reply = Reply(asked.packet).a(asked.name, truth);
        // Longer than a datagram may be.
        for (int i = 0; i < 10; ++i)
            reply.record({0}, 16, 60, Bytes(5000));
        server.send(asked, reply);
    });
    fixture.settings.transport = conf::Transport::tcp;
    SECTION("works, with long answers") {
        fixture.start();
        CHECK(text(fixture.ask("www.example.com")) == "ok 192.0.2.1");
        CHECK(fixture.counters().sent_udp == 0);
    }
    SECTION("a server that closes the connection, or sends garbage") {
        EvilServer::Script scripts[] = {[](EvilServer&, const Asked& asked) { asked.tcp->close(); },
                                        [](EvilServer& server, const Asked& asked) {
                                            server.send(asked, Bytes(3, 0xff));
                                            asked.tcp->close();
                                        },
                                        [](EvilServer& server, const Asked& asked) {
                                            server.send(asked,
                                                        Reply(asked.packet).a(asked.name, lie).other_case());
                                        },
                                        [](EvilServer& server, const Asked& asked) {
                                            server.send(asked, Reply(asked.packet).a(asked.name, lie).id(0));
                                            asked.tcp->close();
                                        }};
        for (auto& script : scripts) {
            Fixture broken;
            broken.settings.transport = conf::Transport::tcp;
            broken.add_server(script);
            broken.start();
            CHECK(broken.ask("www.example.com").status == Answer::server_failure);
            CHECK(broken.counters().sent_tcp == 2);
        }
    }
    SECTION("a server that takes the question and is silent") {
        Fixture quiet;
        quiet.settings.transport = conf::Transport::tcp;
        quiet.add_server(silent());
        quiet.start();
        CHECK(quiet.ask("www.example.com").status == Answer::timed_out);
    }
    SECTION("no server listens") {
        fixture.servers.clear();
        fixture.start();
        CHECK(fixture.ask("www.example.com").status == Answer::server_failure);
        CHECK(fixture.counters().unreachable == 2);
    }
}

TEST_CASE("a name server with an IPv6 address, by UDP and TCP") {
    for (const auto transport : {conf::Transport::udp, conf::Transport::tcp}) {
        Fixture fixture;
        fixture.servers.push_back(std::make_unique<EvilServer>(fixture.io, always(truth), "::1"));
        fixture.settings.servers = {fixture.server().endpoint()};
        fixture.settings.transport = transport;
        fixture.start();
        CHECK(text(fixture.ask("www.example.com")) == "ok 192.0.2.1");
    }
}

TEST_CASE("a slow server within the time-out is waited for") {
    Fixture fixture([](EvilServer& server, const Asked& asked) {
        server.after(150ms, [&server, asked] { server.send(asked, true_reply(asked)); });
    });
    CHECK(text(fixture.ask("www.example.com")) == "ok 192.0.2.1");
    CHECK(fixture.server().questions.size() == 1);
}

TEST_CASE("nothing of one question is left for the next one that uses its channel of c-ares [K-61]") {
    Fixture fixture;
    fixture.settings.tries = 1;
    SECTION("by TCP: half an answer") {
        fixture.settings.transport = conf::Transport::tcp;
        fixture.add_server([](EvilServer& server, const Asked& asked) {
            if (asked.name != "first.example") return server.send(asked, true_reply(asked));
            const Bytes half{0, 100, 0xff, 0xff, 0xff};
            boost::asio::write(*asked.tcp, boost::asio::buffer(half));
        });
    }
    SECTION("by UDP: an answer that comes too late") {
        fixture.add_server([first = std::optional<Asked>()](EvilServer& server, const Asked& asked) mutable {
            if (!first) {
                first = asked;
                return;
            }
            server.send(*first, Reply(first->packet).a(first->name, lie));
            server.send(asked, true_reply(asked));
        });
    }
    fixture.start();
    CHECK(fixture.ask("first.example").status == Answer::timed_out);
    CHECK(text(fixture.ask("second.example")) == "ok 192.0.2.1");
    CHECK(fixture.counters().not_ours == 0);
    CHECK(fixture.server().questions.size() == 2);
}

TEST_CASE("no descriptor is left behind") {
    const auto count = [] {
        int open = 0;
        for (int fd = 0; fd < 1024; ++fd)
            open += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
        return open;
    };
    Fixture fixture(always(truth));
    CHECK(text(fixture.ask("warm.example")) == "ok 192.0.2.1");
    const int before = count();
    for (int i = 0; i < 50; ++i)
        fixture.ask("n" + std::to_string(i) + ".example");
    CHECK(count() == before);
}
