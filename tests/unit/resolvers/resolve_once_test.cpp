#include "resolvers/resolve_once.hpp"

#include <thread>

#include "tests/unit/resolvers/resolver_fixture.hpp"
#include "tests/unit/resolvers/scripted_resolver.hpp"

using namespace resolvers;
using namespace std::chrono_literals;

namespace {

/// Servers that run in a thread of their own while the test waits.
struct Served : Fixture {
    std::thread thread;

    explicit Served(EvilServer::Script script) { add_server(std::move(script)); }
    ~Served() {
        io.stop();
        if (thread.joinable()) thread.join();
    }
    void serve() {
        thread = std::thread([this] { io.run(); });
    }
};

EvilServer::Script zone() {
    return [](EvilServer& server, const Asked& asked) {
        Reply reply(asked.packet);
        if (asked.name == "silent.example") return;
        if (asked.name == "gone.example") reply.rcode(3).authority().soa("example", 10, 10);
        if (asked.name == "broken.example") reply.rcode(2);
        if (asked.type == 12)
            reply.ptr(asked.name, asked.name.starts_with('1') ? "host.example" : "liar.example");
        if (asked.type == 1 && asked.name == "host.example") reply.a(asked.name, "192.0.2.1");
        if (asked.type == 1 && asked.name == "liar.example") reply.a(asked.name, "192.0.2.77");
        if (asked.type == 1 && asked.name.starts_with("slow"))
            return server.after(150ms, [&server, asked] {
                server.send(asked, Reply(asked.packet).a(asked.name, "192.0.2.3"));
            });
        server.send(asked, reply);
    };
}

}  // namespace

TEST_CASE("singleproc: all names are resolved once, in parallel [K-10]") {
    Served served(zone());
    served.serve();
    served.settings.timeout = 1s;
    std::vector<std::string> names{"host.example", "gone.example", "broken.example", "silent.example"};
    for (int i = 0; i < 20; ++i)
        names.push_back("slow" + std::to_string(i) + ".example");
    const auto start = std::chrono::steady_clock::now();
    auto updates = resolve_once(names, served.settings);
    CHECK(std::chrono::steady_clock::now() - start < 2500ms);  // not 20 times 150 ms
    REQUIRE(updates.size() == names.size());
    std::map<std::string, std::string> means;
    for (const auto& one : updates)
        means[one.name] = text_of(one);
    CHECK(means["host.example"] == "host.example: 192.0.2.1");
    CHECK(means["gone.example"] == "gone.example:");
    CHECK(means["broken.example"] == "broken.example: unresolved");
    CHECK(means["silent.example"] == "silent.example: unresolved");
    CHECK(means["slow19.example"] == "slow19.example: 192.0.2.3");
    CHECK(resolve_once({}, served.settings).empty());
}

TEST_CASE("singleproc: a wait for names may be given up; what has resolved is used [K-10]") {
    Served served(zone());
    served.serve();
    served.settings.timeout = 30s;
    const auto start = std::chrono::steady_clock::now();
    const auto updates = resolve_once({"host.example", "silent.example"}, served.settings,
                                      [&] { return std::chrono::steady_clock::now() - start < 300ms; });
    CHECK(std::chrono::steady_clock::now() - start < 2s);
    REQUIRE(updates.size() == 1);
    CHECK(text_of(updates[0]) == "host.example: 192.0.2.1");
}

TEST_CASE("singleproc: without a name server every name is unresolved, at once [K-10]") {
    Fixture fixture;
    const auto updates = resolve_once({"a.example"}, fixture.settings);
    REQUIRE(updates.size() == 1);
    CHECK(text_of(updates[0]) == "a.example: unresolved");
}

TEST_CASE("singleproc: one question, answered within its time-out [K-10] [K-63]") {
    Served served(zone());
    served.serve();
    served.settings.timeout = 5s;
    CHECK(text(ask_once(served.settings, {"host.example"})) == "ok 192.0.2.1");
    CHECK(ask_once(served.settings, {"gone.example"}).status == Answer::no_such_name);
    CHECK(ask_once(served.settings, {"a b"}).status == Answer::bad_name);
    CHECK(text(ask_once(served.settings, names_of("192.0.2.1"))) == "ok host.example");
    CHECK(ask_once(served.settings, names_of("192.0.2.2")).status == Answer::no_data);  // not confirmed
    Question question{"silent.example"};
    question.timeout = 300ms;
    const auto start = std::chrono::steady_clock::now();
    CHECK(ask_once(served.settings, question).status == Answer::timed_out);
    CHECK(std::chrono::steady_clock::now() - start < 2s);
}
