#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "conf/config.hpp"
#include "libudpserver/session/server.hpp"
#include "proxyd/commands/queries.hpp"

namespace proxyd {

/// The commands that REG answers: sessions, rules, refusals, explain (doc/design.md, Control). Each piece of
/// an answer takes a bounded part of a worker's turn.
class RegQueries {
public:
    RegQueries(session::Server& server, const conf::Config& config) : server_(server), config_(config) {}

    void add_to(Queries& queries);

private:
    using Request = control::Request;
    using Reply = Queries::Reply;
    struct Kill;

    void sessions(const Request& request, std::uint64_t cursor, Reply reply);
    void session(const Request& request, std::uint64_t cursor, Reply reply);
    void kill_sessions(const Request& request, std::uint64_t cursor, Reply reply);
    void kill_one(const std::shared_ptr<Kill>& kill, session::SessionId id);
    void kill_next(const std::shared_ptr<Kill>& kill);
    void refuse_then(const std::shared_ptr<Kill>& kill, std::function<void()> then);
    void rules(const Request& request, std::uint64_t cursor, Reply reply);
    void explain(const Request& request, std::uint64_t cursor, Reply reply);
    void last_refusals(const Request& request, std::uint64_t cursor, Reply reply);
    void stats(const Request& request, std::uint64_t cursor, Reply reply);
    void events(const Request& request, std::uint64_t cursor, Reply reply);

    [[nodiscard]] unsigned worker_of(session::Slot slot) const;

    session::Server& server_;
    const conf::Config& config_;
    base::Instant started_ = base::MonotonicClock::now();  ///< start of the counters of rules
};

}  // namespace proxyd
