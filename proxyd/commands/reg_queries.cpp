#include "proxyd/commands/reg_queries.hpp"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "base/log.hpp"
#include "conf/reach.hpp"
#include "libudpserver/control/answer_line.hpp"
#include "libudpserver/policy/question.hpp"
#include "proxyd/query_text.hpp"

namespace proxyd {

namespace {

using control::Code;
using control::Failure;
using control::Request;
using session::SessionEngine;
using session::Slot;

/// This many sessions fit into a piece of an answer, however long their names are.
constexpr std::size_t max_rows_per_piece = 16;
constexpr std::size_t max_kills_per_turn = 256;
constexpr std::size_t max_events = 16;

/// The start of the next piece: worker and session. 0 is the beginning, and the end.
std::uint64_t cursor_of(unsigned worker, Slot slot) {
    return std::uint64_t{worker} << 32 | slot;
}

using base::now;

ipc::QueryResult refusal(const Failure& failure) {
    return {0, control::error_line(failure)};
}

const std::vector<std::string> filter_names{"from", "to",    "server",   "rule",   "listener",
                                            "type", "state", "older_ms", "idle_ms"};

std::vector<std::string> and_also(std::vector<std::string> names, const std::vector<std::string>& more) {
    names.insert(names.end(), more.begin(), more.end());
    return names;
}

using Events = std::vector<session::Event>;

Events joined(const std::vector<Events>& parts) {
    Events all;
    for (const auto& part : parts)
        all.insert(all.end(), part.begin(), part.end());
    return all;
}

std::uint64_t count_of(base::Instant at) {
    return static_cast<std::uint64_t>(at.time_since_epoch().count());
}

base::Instant instant_of(std::uint64_t count) {
    return base::Instant{base::Duration(static_cast<base::Duration::rep>(count))};
}

std::string missing_line() {
    return control::Row().add("event", "missing").add("why", "more happened than REG remembers").text() +
           "\n";
}

bool matches(const session::SessionFilter& filter, const session::Event& event) {
    return (!filter.client || filter.client->matches(event.client)) &&
           (!filter.local || filter.local->matches(event.local)) &&
           (!filter.server || filter.server->matches(event.server)) &&
           (!filter.rule || filter.rule == event.rule);
}

/// Workers may differ: one may have the client's session, or have reached a limit.
int importance(const std::optional<session::Explanation>& explained) {
    using Outcome = session::Explanation::Outcome;
    return explained->outcome == Outcome::running ? 2 : explained->outcome == Outcome::refused ? 1 : 0;
}

/// Port 0 stands for none.
std::string place_of(const base::Endpoint& local) {
    return local.port == 0 ? base::to_string(local.address()) : base::to_string(local);
}

/// Asks all workers and calls `then` with their answers, in the order of the workers.
template <typename Answer>
void ask_all(session::Server& server, std::function<void(SessionEngine&, Answer&)> question,
             std::function<void(std::vector<Answer>&)> then) {
    const auto answers = std::make_shared<std::vector<Answer>>(server.workers());
    server.for_all_workers(
        [answers, question = std::move(question)](unsigned worker, SessionEngine& engine) {
            question(engine, (*answers)[worker]);
        },
        [answers, then = std::move(then)] { then(*answers); });
}

}  // namespace

void RegQueries::add_to(Queries& queries) {
    const auto add = [&](const char* command, auto method) {
        queries.add(command, [this, method](const Request& request, std::uint64_t cursor, Reply reply) {
            (this->*method)(request, cursor, std::move(reply));
        });
    };
    add("sessions", &RegQueries::sessions);
    add("session", &RegQueries::session);
    add("kill-sessions", &RegQueries::kill_sessions);
    add("rules", &RegQueries::rules);
    add("explain", &RegQueries::explain);
    add("last-refusals", &RegQueries::last_refusals);
    add("stats", &RegQueries::stats);
    add("events", &RegQueries::events);
}

void RegQueries::sessions(const Request& request, std::uint64_t cursor, Reply reply) {
    request.allow(filter_names);
    const session::SessionFilter filter = filter_of(request, config_);
    const auto worker = static_cast<unsigned>(cursor >> 32);
    if (worker >= server_.workers()) return reply({});
    struct Piece {
        std::vector<session::Found> found;
        Slot next = session::none;
    };
    auto piece = std::make_shared<Piece>();
    server_.in_worker(
        worker,
        [piece, filter, from = static_cast<Slot>(cursor)](SessionEngine& sessions) {
            piece->next = sessions.select(filter, from, max_rows_per_piece, now(), piece->found);
        },
        [this, piece, worker, reply = std::move(reply)] {
            ipc::QueryResult result;
            for (const session::Found& found : piece->found)
                result.text += row_of(found, config_, now()).text() + "\n";
            if (piece->next != session::none) {
                result.next = cursor_of(worker, piece->next);
            } else if (worker + 1 < server_.workers()) {
                result.next = cursor_of(worker + 1, 0);
            }
            reply(result);
        });
}

unsigned RegQueries::worker_of(Slot slot) const {
    unsigned worker = 0;
    while (worker + 1 < server_.workers() && slot >= server_.first_slot(worker + 1))
        ++worker;
    return worker;
}

void RegQueries::session(const Request& request, std::uint64_t, Reply reply) {
    request.allow({"id"});
    const session::SessionId id = id_of(request);
    auto details = std::make_shared<std::optional<session::Details>>();
    server_.in_worker(
        worker_of(id.slot),
        [details, id](SessionEngine& sessions) { *details = sessions.details(id, now()); },
        [this, details, reply = std::move(reply)] {
            if (!*details) return reply(refusal({Code::unknown, "no such session"}));
            reply({0, row_of(**details, config_).text() + "\n"});
        });
}

/// Goes through all workers, a bounded number of sessions per turn.
struct RegQueries::Kill {
    session::SessionFilter filter;
    base::Duration refuse;
    Reply reply;
    unsigned worker = 0;
    Slot from = 0;
    std::size_t killed = 0;
    std::set<base::Address> clients;   ///< of all killed sessions, if they are to be refused
    std::vector<base::Address> fresh;  ///< of the last turn
    std::size_t refused = 0;

    void close(SessionEngine& sessions, const session::Found& one) {
        if (!sessions.close_by_admin({one.slot, one.record.generation}, refuse, now())) return;
        ++killed;
        const base::Address client = one.record.client.address();
        if (refuse.count() > 0 && clients.insert(client).second) fresh.push_back(client);
    }
    void answer() const {
        control::Row row;
        row.add("killed", killed);
        if (refuse.count() > 0) row.add("clients_refused", refused);
        if (refuse.count() > 0 && clients.empty())
            row.add("note",
                    "no session matches, so no address to refuse is known; name a single one with 'from'");
        else if (refused < clients.size())
            row.add("note", fmt::format("at most {} addresses can be refused at a time; deny the others with "
                                        "a rule",
                                        session::max_refused_clients));
        reply({0, row.text() + "\n"});
    }
};

void RegQueries::kill_sessions(const Request& request, std::uint64_t, Reply reply) {
    request.allow(and_also(filter_names, {"id", "refuse_ms", "every"}));
    const base::Duration refuse = request.duration("refuse_ms").value_or(base::Duration{0});
    const bool some = std::ranges::any_of(filter_names, [&](const auto& name) { return request.has(name); });
    if (some + request.has("id") + request.flag("every").value_or(false) != 1)
        throw Failure(Code::usage, "kill-sessions needs one of 'id', a filter such as 'from', and 'every'");
    auto kill = std::make_shared<Kill>(Kill{filter_of(request, config_), refuse, std::move(reply)});
    if (request.has("id")) return kill_one(kill, id_of(request));
    // An address that is named is refused, whether it has a session or not.
    const auto client = kill->filter.client ? kill->filter.client->single() : std::nullopt;
    if (refuse.count() > 0 && client && kill->clients.insert(*client).second) kill->fresh.push_back(*client);
    refuse_then(kill, [this, kill] { kill_next(kill); });
}

void RegQueries::kill_one(const std::shared_ptr<Kill>& kill, session::SessionId id) {
    server_.in_worker(
        worker_of(id.slot),
        [kill, id](SessionEngine& sessions) {
            if (const auto details = sessions.details(id, now())) kill->close(sessions, details->found);
        },
        [this, kill] {
            if (kill->killed == 0) return kill->reply(refusal({Code::unknown, "no such session"}));
            refuse_then(kill, [kill] { kill->answer(); });
        });
}

void RegQueries::kill_next(const std::shared_ptr<Kill>& kill) {
    if (kill->worker >= server_.workers()) return kill->answer();
    server_.in_worker(
        kill->worker,
        [kill](SessionEngine& sessions) {
            std::vector<session::Found> found;
            kill->from = sessions.select(kill->filter, kill->from, max_kills_per_turn, now(), found);
            for (const session::Found& one : found)
                kill->close(sessions, one);
        },
        [this, kill] {
            if (kill->from == session::none) {
                ++kill->worker;
                kill->from = 0;
            }
            refuse_then(kill, [this, kill] { kill_next(kill); });
        });
}

/// All workers refuse the clients, because their next datagrams may arrive at any worker.
void RegQueries::refuse_then(const std::shared_ptr<Kill>& kill, std::function<void()> then) {
    if (kill->fresh.empty()) return then();
    ask_all<std::size_t>(
        server_,
        [clients = std::exchange(kill->fresh, {}), refuse = kill->refuse](SessionEngine& sessions,
                                                                          std::size_t& refused) {
            for (const base::Address& client : clients)
                refused += sessions.refuse_client(client, refuse, now()) ? 1 : 0;
        },
        [kill, then = std::move(then)](std::vector<std::size_t>& refused) {
            kill->refused += std::ranges::min(refused);
            then();
        });
}

void RegQueries::rules(const Request& request, std::uint64_t cursor, Reply reply) {
    request.allow({});
    using Counts = std::vector<session::RuleCount>;
    ask_all<Counts>(
        server_, [](SessionEngine& sessions, Counts& counts) { counts = sessions.rule_counts(); },
        [this, cursor, reply = std::move(reply)](std::vector<Counts>& all) {
            Lines lines(cursor);
            for (std::size_t rule = 0; rule < config_.session_acl.size(); ++rule) {
                session::RuleCount sum;
                for (const Counts& counts : all) {
                    sum.begun += counts[rule].begun;
                    sum.refused += counts[rule].refused;
                    sum.over_rate += counts[rule].over_rate;
                }
                const conf::Rule& one = config_.session_acl[rule];
                control::Row row;
                row.add("rule", one.name)
                    .add("action", one.action == conf::Action::accept ? "accept" : "deny");
                row.add("begun", sum.begun).add("refused", sum.refused).add("over_rate", sum.over_rate);
                lines.add(row.add("counted_for_ms", now() - started_));
            }
            reply(lines.result());
        });
}

void RegQueries::explain(const Request& request, std::uint64_t cursor, Reply reply) {
    request.allow({"client", "local", "dscp", "time"});
    const policy::Question question = question_of(request, config_);
    using Explained = std::optional<session::Explanation>;
    ask_all<Explained>(
        server_,
        [question](SessionEngine& sessions, Explained& explained) {
            if (const auto listener = sessions.listener_at(question.local))
                explained = sessions.explain(question, *listener, now());
        },
        [this, cursor, question, reply = std::move(reply)](std::vector<Explained>& all) {
            if (!all.front())
                return reply(refusal({Code::unknown, "proxyd does not listen at " + place_of(question.local) +
                                                         "; `status` shows its listeners"}));
            const session::Explanation& told = **std::ranges::max_element(all, {}, importance);
            const auto agree = std::ranges::count_if(all, [&](const Explained& other) {
                return other->outcome == told.outcome && other->reason == told.reason;
            });
            Lines lines(cursor);
            for (const policy::SessionAcl::Step& step : told.policy.steps)
                lines.add(row_of(step, config_));
            control::Row decision = decision_of(told, config_);
            decision.add("local", base::to_string(question.local));
            if (const auto* listener = policy::listener_of(config_, question.local))
                decision.add("listener", conf::to_string(*listener));
            // The kernel decides which worker receives a new client.
            if (static_cast<std::size_t>(agree) < all.size())
                decision.add("workers", std::to_string(agree) + " of " + std::to_string(all.size()));
            lines.add(decision);
            reply(lines.result());
        });
}

void RegQueries::last_refusals(const Request& request, std::uint64_t, Reply reply) {
    request.allow({"client"});
    std::optional<base::Address> client;
    if (const auto text = request.text("client")) {
        client = base::parse_address(*text);
        if (const auto endpoint = base::parse_endpoint(*text)) client = endpoint->address();
        if (!client) throw Failure(Code::usage, "client: expected an address");
    }
    ask_all<Events>(
        server_,
        [client](SessionEngine& sessions, Events& events) {
            events = sessions.events().refusals(client, max_events);
        },
        [this, reply = std::move(reply)](std::vector<Events>& all) {
            Events events = joined(all);
            std::ranges::stable_sort(events, std::ranges::greater{}, &session::Event::at);
            events.resize(std::min(events.size(), max_events));
            ipc::QueryResult result;
            for (const session::Event& event : events)
                result.text += row_of(event, config_, now()).text() + "\n";
            reply(result);
        });
}

void RegQueries::stats(const Request& request, std::uint64_t, Reply reply) {
    request.allow({});
    control::Row row;
    for (const auto& [name, value] : server_.statistics().counters())
        row.add(name, value);
    row.add("log_lost", base::log::lost());
    reply({0, row.text() + "\n"});
}

/// The events since `since_ms`, which the last row of the previous answer contains; without it only that row.
/// The cursor of a long answer is such a time too, with the number of events of that millisecond already
/// sent.
void RegQueries::events(const Request& request, std::uint64_t cursor, Reply reply) {
    constexpr unsigned time_bits = 48;
    request.allow({"since_ms", "from", "to", "listener", "server", "rule"});
    const session::SessionFilter filter = filter_of(request, config_);
    const base::Instant until = now();
    const std::uint64_t told = cursor >> time_bits;
    const auto asked = static_cast<std::uint64_t>(request.number("since_ms").value_or(0));
    const base::Instant since = instant_of(cursor != 0 ? cursor - (told << time_bits) : asked);
    struct Said {
        Events events;
        bool all = true;
    };
    ask_all<Said>(
        server_,
        [since, until, told](SessionEngine& sessions, Said& said) {
            if (since == base::Instant{}) return;
            said.events = sessions.events().between(since, until, max_events + told + 1);
            said.all = sessions.events().has_all_since(since);
        },
        [this, since, until, told, filter, reply = std::move(reply)](std::vector<Said>& all) {
            Events events;
            for (const Said& said : all)
                events.insert(events.end(), said.events.begin(), said.events.end());
            std::ranges::stable_sort(events, {}, &session::Event::at);
            events.erase(events.begin(),
                         events.begin() + static_cast<std::ptrdiff_t>(std::min(told, events.size())));
            ipc::QueryResult result;
            if (!std::ranges::all_of(all, &Said::all)) result.text = missing_line();
            if (events.size() > max_events) {
                const base::Instant next = events[max_events].at;
                events.resize(max_events);
                const auto same =
                    static_cast<std::uint64_t>(std::ranges::count(events, next, &session::Event::at));
                result.next = count_of(next) | (same + (next == since ? told : 0)) << time_bits;
            }
            for (const session::Event& event : events)
                if (matches(filter, event)) result.text += row_of(event, config_, until).text() + "\n";
            if (result.next == 0) result.text += control::Row().add("next_ms", count_of(until)).text() + "\n";
            reply(result);
        });
}

}  // namespace proxyd
