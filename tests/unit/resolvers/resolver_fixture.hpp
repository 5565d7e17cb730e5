#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "resolvers/ares_resolver.hpp"
#include "tests/unit/resolvers/evil_server.hpp"

/// A loop, servers with scripts, and a resolver that asks them. Time-outs are short.
struct Fixture {
    boost::asio::io_context io;
    std::vector<std::unique_ptr<EvilServer>> servers;
    conf::Resolver settings;
    resolvers::ResolverOptions options;
    std::unique_ptr<resolvers::AresResolver> resolver;

    Fixture() {
        using namespace std::chrono_literals;
        settings.hosts_file = "/nonexistent/hosts";
        settings.timeout = 8s;
        settings.server_timeout = 200ms;
        settings.initial_timeout = 200ms;
        settings.connect_timeout = 200ms;
        settings.families = conf::Families::v4;
    }
    explicit Fixture(EvilServer::Script script) : Fixture() {
        add_server(std::move(script));
        start();
    }
    ~Fixture() {
        resolver.reset();
        servers.clear();
        io.restart();
        io.poll();
    }

    EvilServer& add_server(EvilServer::Script script) {
        servers.push_back(std::make_unique<EvilServer>(io, std::move(script)));
        settings.servers.push_back(servers.back()->endpoint());
        return *servers.back();
    }
    void start() { resolver = std::make_unique<resolvers::AresResolver>(io, settings, options); }

    void run_until(const std::function<bool()>& condition) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (!condition()) {
            if (io.stopped()) io.restart();
            io.run_one_until(deadline);
            if (std::chrono::steady_clock::now() >= deadline) break;
        }
        REQUIRE(condition());
    }

    resolvers::Answer ask(resolvers::Question question) {
        std::vector<resolvers::Answer> got;
        resolver->ask(std::move(question), [&](const resolvers::Answer& answer) { got.push_back(answer); });
        CHECK(got.empty());  // never inside the call
        run_until([&] { return !got.empty(); });
        CHECK(got.size() == 1);
        return got.front();
    }
    resolvers::Answer ask(const std::string& name) { return ask(resolvers::Question{name}); }

    EvilServer& server(std::size_t index = 0) { return *servers.at(index); }
    [[nodiscard]] const resolvers::Counters& counters() const { return resolver->counters(); }
};

inline std::string text(const resolvers::Answer& answer) {
    std::string all(to_string(answer.status));
    for (const auto& address : answer.addresses)
        all += " " + base::to_string(address);
    for (const auto& name : answer.names)
        all += " " + name;
    return all;
}

/// A server that answers every A question with this address.
inline EvilServer::Script always(const std::string& address, std::uint32_t ttl = 60) {
    return [=](EvilServer& server, const Asked& asked) {
        server.send(asked, Reply(asked.packet).a(asked.name, address, ttl));
    };
}
inline EvilServer::Script silent() {
    return [](EvilServer&, const Asked&) {};
}
inline EvilServer::Script fails(unsigned rcode) {
    return
        [=](EvilServer& server, const Asked& asked) { server.send(asked, Reply(asked.packet).rcode(rcode)); };
}
