#pragma once

#include <span>
#include <vector>

#include "libudpserver/net/steering.hpp"
#include "libudpserver/session/arena.hpp"

/// Moves the sessions to an arena of another size or for another number of workers, when `max-sessions` or
/// `workers` has changed.
namespace session {

/// The tables of an arena.
struct ArenaTables {
    std::span<Record> records;
    std::span<PoolEntry> pool;
    std::span<Totals> totals;
    std::span<RefusedClient> refused_clients = {};
};

/// A record without a place in the new arena: its session is closed.
struct Leftover {
    Slot slot = none;  ///< where it was
    Record record;
};

/// Which worker each session belongs to in the new arena.
struct Division {
    const net::Steering& steering;
    unsigned workers = 1;

    [[nodiscard]] unsigned worker_of(const Record& record) const {
        return steering.worker_of(record.client, workers);
    }
};

/// Replaces the contents of `to` with those of `from`, which is only read. Each record goes to its client's
/// worker, at its place and with its generation where possible. Answered sessions get a place first; the
/// records without one are returned, and their sockets belong to no session.
std::vector<Leftover> migrate(const ArenaTables& from, const ArenaTables& to, const Division& division);

/// For an arena that cannot be filled: the first `sockets` sockets may have served unknown sessions, and are
/// quarantined as if they had done so just now.
void quarantine_sockets(Arena& arena, std::size_t sockets);

/// Fills `current` from the newest complete arena of `older`, unless it is complete already, and releases
/// those. A REG that dies in here leaves everything as it was for the next one. Throws what map() throws.
std::vector<Leftover> take_over(Arena& current, std::vector<Arena>& older, const Division& division);

}  // namespace session
