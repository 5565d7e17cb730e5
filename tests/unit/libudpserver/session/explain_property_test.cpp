// Random policies, limits and names: what explain() says of a datagram is what then happens to it, in the
// engine that forwards. Time windows are left out: the engine asks the wall clock for them.

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "tests/unit/libudpserver/policy/policy_fixture.hpp"
#include "tests/unit/libudpserver/session/engine_fixture.hpp"

using namespace session;
using Outcome = Explanation::Outcome;

namespace {

constexpr const char* names[] = {"a.example", "b.example", "c.example"};
constexpr const char* patterns[] = {"x\\.example", "y\\.example", ".*"};
constexpr unsigned clients = 6, ports = 3;

std::string client_text(unsigned number) {
    return "127.0.1." + std::to_string(number + 1);
}

class Chance {
public:
    explicit Chance(unsigned seed) : random_(seed) {}
    unsigned below(unsigned limit) { return std::uniform_int_distribution<unsigned>(0, limit - 1)(random_); }
    bool one_in(unsigned count) { return below(count) == 0; }

private:
    std::mt19937 random_;
};

class RandomConfig {
public:
    RandomConfig(Chance& chance, const base::Endpoint& server) : chance_(chance), server_(server) {}

    conf::Config make() {
        conf::Config config = config_for(rule(), 1 + chance_.below(6));
        for (unsigned more = chance_.below(4); more > 0; --more)
            config.session_acl.push_back(rule());
        conf::UdpServer& limits = config.udpserver;
        limits.unanswered_share = chance_.one_in(2) ? 50 : 100;
        limits.quarantine = base::Duration(2 + chance_.below(2000));
        limits.quarantine_answered = limits.quarantine / 2;
        if (chance_.one_in(4)) limits.new_sessions_per_second = 1 + chance_.below(4);
        if (chance_.one_in(4)) limits.per_address.open = 1 + chance_.below(2);
        if (chance_.one_in(4)) limits.per_address.new_per_second = 1 + chance_.below(2);
        if (chance_.one_in(8)) limits.per_network.open = 1 + chance_.below(4);
        config.resolver.hold.sessions = 1 + chance_.below(3);
        if (chance_.one_in(8)) config.listen_on[0].address = address("0.0.0.0");
        return config;
    }

private:
    conf::Rule rule() {
        conf::HostItems from;
        for (unsigned more = chance_.below(4); more > 0; --more)
            from.push_back(chance_.one_in(4) ? negated(item()) : item());
        conf::Rule made = rule_from(from, chance_.one_in(4) ? conf::Action::deny : conf::Action::accept);
        if (chance_.one_in(6)) made.dscp.match = {static_cast<std::uint8_t>(chance_.below(2))};
        if (chance_.one_in(6)) made.to = {{one(chance_.one_in(2) ? "127.0.0.1" : "127.0.0.2"), {1, 65535}}};
        if (made.action == conf::Action::deny) return made;
        made.plug_to = servers();
        constexpr conf::SessionType types[] = {conf::SessionType::normal, conf::SessionType::one_way,
                                               conf::SessionType::any_sock};
        made.type = types[chance_.below(3)];
        if (chance_.one_in(3)) made.limits.client_datagrams = 1 + chance_.below(3);
        if (chance_.one_in(3)) made.limits.idle = base::Duration(500 + chance_.below(1000));
        return made;
    }
    std::vector<conf::Server> servers() {
        std::vector<conf::Server> made;
        for (unsigned more = 1 + chance_.below(2); more > 0; --more) {
            conf::Server server{server_, 1, {}};
            if (chance_.one_in(4)) {
                server.endpoint = {base::Address{}, server_.port};
                server.name = names[chance_.below(3)];
            }
            made.push_back(server);
        }
        return made;
    }
    conf::HostItem item() {
        switch (chance_.below(6)) {
            case 0:
                return named(names[chance_.below(3)]);
            case 1:
                return pattern(patterns[chance_.below(3)]);
            case 2:
                return {};
            case 3:
                return range("127.0.1.2", "127.0.1.4");
            default:
                return one(client_text(chance_.below(clients)).c_str());
        }
    }

    Chance& chance_;
    base::Endpoint server_;
};

std::string text_of(const policy::Explanation& explanation) {
    const policy::Decision& decision = explanation.decision;
    std::string text = std::to_string(static_cast<int>(decision.kind)) + " " +
                       (decision.rule ? std::to_string(*decision.rule) : "-") + " " +
                       base::to_string(decision.server) + " " + explanation.why + "\n";
    for (const auto& step : explanation.steps)
        text += std::to_string(step.rule) +
                (step.matched     ? " yes "
                 : step.undecided ? " maybe "
                                  : " no ") +
                step.why + "\n";
    return text;
}

/// What became of a datagram, as the engine's counts, records and event log tell.
struct Fate {
    Outcome outcome = Outcome::refused;
    CloseReason reason = CloseReason::none;
    std::optional<std::size_t> rule;
    Endpoint server;
    SessionId session;
};

class Stage {
public:
    Stage(Chance& chance, const LoopbackSocket& server)
        : chance_(chance),
          server_(server),
          engine_(RandomConfig(chance, server.endpoint()).make(), 2 + 2 * chance.below(8)) {}

    /// Whatever may happen between two datagrams.
    void something_happens() {
        if (chance_.one_in(3)) engine_.pass(base::Duration(chance_.below(1500)));
        if (chance_.one_in(3)) update_name();
        while (!engine_.lookups.open.empty() && chance_.one_in(2))
            engine_.answer(client_names());
        if (chance_.one_in(3)) servers_answer();
        if (chance_.one_in(20))
            engine_.sessions->refuse_client(client().address(), base::Duration(2000), engine_.now);
        if (chance_.one_in(100)) engine_.sessions->drain();
    }

    void check_datagram() {
        const Endpoint from = client();
        const Endpoint local(address("127.0.0.1"), engine_.address().port);
        const auto dscp = static_cast<std::uint8_t>(chance_.below(3));
        const auto listener = engine_.sessions->listener_at(local);
        REQUIRE(listener == 0u);
        const policy::Question question{from, local, dscp, {}, nullptr};
        const auto told = engine_.sessions->explain(question, *listener, engine_.now);
        check_policy(question, told);
        const Fate fate = send(from, local, dscp);
        INFO(base::to_string(from) << " was told " << static_cast<int>(told.outcome) << " "
                                   << to_string(told.reason) << ", got " << static_cast<int>(fate.outcome)
                                   << " " << to_string(fate.reason));
        REQUIRE(told.outcome == fate.outcome);
        REQUIRE(told.reason == fate.reason);
        if (fate.outcome != Outcome::waits) REQUIRE(told.rule == fate.rule);
        if (fate.outcome == Outcome::accepted || fate.outcome == Outcome::running)
            REQUIRE(told.server == fate.server);
        if (fate.outcome == Outcome::running) {
            REQUIRE(told.session.slot == fate.session.slot);
            REQUIRE(told.session.generation == fate.session.generation);
        }
        ++seen[{fate.outcome, fate.reason}];
    }

    static inline std::map<std::pair<Outcome, CloseReason>, std::size_t> seen;
    static inline std::size_t compared = 0;

private:
    /// A new policy with the same configured names, as `proxyd -t` has it, gives the same answer, for what
    /// the engine knows of the client's names: nothing, or one of the answers that client_names() makes.
    void check_policy(policy::Question question, const Explanation& told) {
        policy::Policy alone(engine_.config);
        const policy::Names& known = engine_.sessions->names();
        for (std::size_t name = 0; name < known.size(); ++name)
            if (known.known(name)) alone.set_addresses(name, known.addresses(name));
        const std::vector<std::string> no_name, one_name{"x.example"};
        bool same = false;
        for (const auto* client_names : {static_cast<decltype(&no_name)>(nullptr), &no_name, &one_name}) {
            question.client_names = client_names;
            same = same || text_of(told.policy) == text_of(alone.explain(question));
        }
        REQUIRE(same);
        ++compared;
        using Kind = policy::Decision::Kind;
        if (told.reason == CloseReason::acl) REQUIRE(told.policy.decision.kind == Kind::deny);
        if (told.outcome != Outcome::accepted) return;
        REQUIRE(told.policy.decision.kind == Kind::accept);
        REQUIRE(told.server == told.policy.decision.server);
    }

    Endpoint client() {
        return {address(client_text(chance_.below(clients)).c_str()),
                static_cast<std::uint16_t>(4000 + chance_.below(ports))};
    }

    void update_name() {
        const char* name = names[chance_.below(3)];
        if (!engine_.sessions->names().index(name)) return;
        if (chance_.one_in(4)) {
            engine_.unresolved(name);
        } else if (chance_.one_in(4)) {
            engine_.news(name, {});
        } else {
            engine_.news(name, {"127.0.0.1", client_text(chance_.below(clients))});
        }
    }

    base::LookupAnswer client_names() {
        if (chance_.one_in(4)) return no_answer(base::LookupAnswer::server_failure, base::Duration(1000));
        const base::Duration ttl(chance_.below(3000));
        return found(chance_.one_in(2) ? std::vector<std::string>{"x.example"} : std::vector<std::string>{},
                     ttl);
    }

    void servers_answer() {
        while (const auto request = server_.receive())
            server_.send_to(request->from, "re");
        engine_.pump();
    }

    Fate send(const Endpoint& from, const Endpoint& local, std::uint8_t dscp) {
        const Totals& totals = engine_.totals();
        const auto created = totals.created.get(), refused = totals.refused.get(), held = totals.held.get();
        const std::vector<Record> before(engine_.arena.records().begin(), engine_.arena.records().end());
        std::byte payload[1]{};
        net::Datagram datagram{.payload = payload, .from = from, .local = local};
        datagram.tos = static_cast<std::uint8_t>(dscp << 2);
        engine_.sessions->on_client(0, datagram, engine_.now);
        const Fate fate = totals.refused.get() != refused   ? refusal(from)
                          : totals.held.get() != held       ? Fate{.outcome = Outcome::waits}
                          : totals.created.get() != created ? served(Outcome::accepted, before)
                                                            : served(Outcome::running, before);
        engine_.sessions->settle(engine_.now);
        return fate;
    }

    Fate refusal(const Endpoint& from) {
        const auto last = engine_.sessions->events().refusals(from.address(), 1);
        REQUIRE(last.size() == 1);
        Fate fate{.reason = last.front().reason};
        if (last.front().rule) fate.rule = *last.front().rule;
        return fate;
    }

    /// The session whose count of the client's datagrams has changed.
    Fate served(Outcome outcome, const std::vector<Record>& before) {
        for (Slot slot = 0; slot < before.size(); ++slot) {
            const Record& record = engine_.arena.records()[slot];
            const bool same = record.generation == before[slot].generation;
            if (record.counters.client_datagrams == (same ? before[slot].counters.client_datagrams : 0))
                continue;
            return {outcome, CloseReason::none, record.rule, record.server, {slot, record.generation}};
        }
        FAIL("no session has the datagram");
        return {};
    }

    Chance& chance_;
    const LoopbackSocket& server_;
    Engine engine_;
};

}  // namespace

TEST_CASE("what explain says is what then happens, for 10,000 random policies [K-30]") {
    const LoopbackSocket server;
    Chance chance(4);
    for (int round = 0; round < 10'000; ++round) {
        INFO("round " << round);
        Stage stage(chance, server);
        for (int datagrams = 0; datagrams < 12; ++datagrams) {
            stage.something_happens();
            stage.check_datagram();
        }
    }
    CHECK(Stage::compared > 100'000);
    // Each of these has really been met, or the agreement is worth little.
    for (const Outcome outcome : {Outcome::accepted, Outcome::waits, Outcome::running})
        CHECK(Stage::seen[{outcome, CloseReason::none}] > 1000);
    for (const CloseReason reason :
         {CloseReason::acl, CloseReason::admin, CloseReason::source_limited, CloseReason::rate_limited,
          CloseReason::resolve_failure, CloseReason::no_socket, CloseReason::sessions_full})
        CHECK(Stage::seen[{Outcome::refused, reason}] > 100);
}
