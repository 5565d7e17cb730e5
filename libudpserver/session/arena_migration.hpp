#pragma once

#include <span>
#include <vector>

#include "libudpserver/net/steering.hpp"
#include "libudpserver/session/arena.hpp"

/// How the sessions get from one arena into another of another size or for another number of workers, when
/// `max-sessions` or `workers` has changed.
namespace session {

/// The tables of an arena.
struct ArenaTables {
    std::span<Record> records;
    std::span<PoolEntry> pool;
    std::span<Totals> totals;
};

/// A record that found no place in the new arena: its session has to end.
struct Leftover {
    Slot slot = none;  ///< where it was
    Record record;
};

/// To whom the sessions belong in the new arena.
struct Division {
    const net::Steering& steering;
    unsigned workers = 1;

    [[nodiscard]] unsigned worker_of(const Record& record) const {
        return steering.worker_of(record.client, workers);
    }
};

/// Makes `to` what `from` is; `from` is only read, and what was in `to` is forgotten. Each record becomes
/// that of its client's worker, at its place and with its generation where that can be. Where there are too
/// few places, answered sessions get them first; the other records are returned, and their sockets belong to
/// nobody.
std::vector<Leftover> migrate(const ArenaTables& from, const ArenaTables& to, const Division& division);

/// For an arena that nobody can fill: of the first so many sockets nobody knows whom they served. They rest
/// as if each had served somebody just now.
void rest_sockets(Arena& arena, std::size_t sockets);

/// Fills `current` from the newest complete one of `older`, unless it is complete already, and lets go of
/// those. A REG that dies in here leaves everything to the next one as it found it. Throws what map() throws.
std::vector<Leftover> take_over(Arena& current, std::vector<Arena>& older, const Division& division);

}  // namespace session
