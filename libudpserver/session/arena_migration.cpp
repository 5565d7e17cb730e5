#include "libudpserver/session/arena_migration.hpp"

#include <algorithm>

namespace session {

namespace {

/// The lower, the sooner a record gets a place when there are too few.
int rank(const Record& record) {
    if (record.state != State::open) return 2;
    return record.answered() ? 0 : 1;
}

/// A socket in use belongs to no session until that has a place.
void copy_pool(std::span<const PoolEntry> from, std::span<PoolEntry> to) {
    for (std::size_t i = 0; i < to.size(); ++i) {
        to[i] = i < from.size() ? from[i] : PoolEntry{};
        if (to[i].state != PoolEntry::State::idle) to[i].session = none;
    }
}

void place(const ArenaTables& from, const ArenaTables& to, Slot old_slot, Slot new_slot, unsigned worker) {
    const Record& record = from.records[old_slot];
    // At another place the session needs an id that no session has had.
    const std::uint32_t generation = old_slot == new_slot
                                         ? record.generation
                                         : std::max(record.generation, to.records[new_slot].generation + 1);
    to.records[new_slot] = record;
    to.records[new_slot].generation = generation;
    to.records[new_slot].worker = static_cast<std::uint8_t>(worker);
    const std::size_t socket = index_of(record.socket);
    if (socket < from.pool.size() && socket < to.pool.size() && from.pool[socket].session == old_slot &&
        to.pool[socket].state != PoolEntry::State::idle) {
        to.pool[socket].session = new_slot;
    }
}

/// The used slots by worker, in the order in which they get a place.
std::vector<std::vector<Slot>> divide(std::span<const Record> records, const Division& division) {
    std::vector<std::vector<Slot>> shares(division.workers);
    for (Slot slot = 0; slot < records.size(); ++slot)
        if (records[slot].state != State::free) shares[division.worker_of(records[slot])].push_back(slot);
    for (std::vector<Slot>& slots : shares)
        std::ranges::stable_sort(slots, {}, [records](Slot slot) { return rank(records[slot]); });
    return shares;
}

/// Fills a worker's slice: records stay at their place if they can, then the others fill the rest.
void place_slice(const ArenaTables& from, const ArenaTables& to, std::span<const Slot> slots, unsigned worker,
                 Slot first, Slot last) {
    const auto stays = [first, last](Slot slot) { return slot >= first && slot < last; };
    for (const Slot slot : slots)
        if (stays(slot)) place(from, to, slot, slot, worker);
    Slot next = first;
    for (const Slot slot : slots) {
        if (stays(slot)) continue;
        while (to.records[next].state != State::free)
            ++next;
        place(from, to, slot, next, worker);
    }
}

/// The counts continue. Sessions of a worker that no longer exist are open in others now.
void copy_totals(std::span<const Totals> from, std::span<Totals> to, unsigned workers) {
    std::ranges::copy(from, to.begin());
    for (Totals& totals : to.subspan(workers))
        for (Count* count :
             {&totals.open, &totals.unanswered, &totals.unconfirmed, &totals.open_least, &totals.open_most})
            count->set(0);
}

/// Frees every place. A place continues to count its generations, and a new one starts above all that ever
/// existed, so that no id is used twice.
void clear(const ArenaTables& from, const ArenaTables& to) {
    std::uint64_t highest = from.totals[0].highest_generation.get();
    for (const Record& record : from.records)
        highest = std::max<std::uint64_t>(highest, record.generation);
    for (std::size_t i = 0; i < to.records.size(); ++i) {
        to.records[i] = Record{};
        to.records[i].generation =
            i < from.records.size() ? from.records[i].generation : static_cast<std::uint32_t>(highest);
    }
    to.totals[0].highest_generation.set(highest);
}

ArenaTables tables(const Arena& arena) {
    return {arena.records(), arena.pool(), arena.all_totals(), arena.refused_clients()};
}

}  // namespace

std::vector<Leftover> migrate(const ArenaTables& from, const ArenaTables& to, const Division& division) {
    copy_pool(from.pool, to.pool);
    copy_totals(from.totals, to.totals, division.workers);
    std::ranges::copy(from.refused_clients, to.refused_clients.begin());
    clear(from, to);
    const std::vector<std::vector<Slot>> shares = divide(from.records, division);
    std::vector<Leftover> leftovers;
    for (unsigned worker = 0; worker < division.workers; ++worker) {
        const std::span<const Slot> slots(shares[worker]);
        const Slot first = first_slot(to.records.size(), worker, division.workers);
        const Slot last = first_slot(to.records.size(), worker + 1, division.workers);
        const std::size_t fitting = std::min<std::size_t>(slots.size(), last - first);
        place_slice(from, to, slots.first(fitting), worker, first, last);
        for (const Slot slot : slots.subspan(fitting))
            leftovers.push_back({slot, from.records[slot]});
    }
    return leftovers;
}

std::vector<Leftover> take_over(Arena& current, std::vector<Arena>& older, const Division& division) {
    current.map();
    std::vector<Leftover> leftovers;
    // Only the newest arena that a REG has worked with is up to date.
    for (std::size_t i = older.size(); i-- > 0 && !current.complete();) {
        older[i].map();
        if (!older[i].complete()) continue;
        leftovers = migrate(tables(older[i]), tables(current), division);
        current.mark_complete();
    }
    older.clear();
    return leftovers;
}

void quarantine_sockets(Arena& arena, std::size_t sockets) {
    for (PoolEntry& entry : arena.pool().first(std::min(sockets, arena.pool().size()))) {
        entry.session = none;
        entry.state = PoolEntry::State::returning;  // as if a REG had died: the next one mutes it
    }
    arena.mark_complete();
}

}  // namespace session
