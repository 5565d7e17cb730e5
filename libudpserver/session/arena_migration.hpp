#pragma once

#include <span>
#include <vector>

#include "libudpserver/session/arena.hpp"

/// How the sessions get from one arena into another of another size, when `max-sessions` has changed.
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

/// Makes `to` what `from` is; `from` is only read, and what was in `to` is forgotten. Each worker's records
/// stay its own, at their place where there is one, and with their generation. Where there are too few
/// places, answered sessions get them first; the other records are returned, and their sockets belong to
/// nobody.
std::vector<Leftover> migrate(const ArenaTables& from, const ArenaTables& to, unsigned workers);

/// Fills `current` from the newest complete one of `older`, unless it is complete already, and lets go of
/// those. A REG that dies in here leaves everything to the next one as it found it. Throws what map() throws.
std::vector<Leftover> take_over(Arena& current, std::vector<Arena>& older, unsigned workers);

}  // namespace session
