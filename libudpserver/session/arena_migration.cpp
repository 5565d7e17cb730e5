#include "libudpserver/session/arena_migration.hpp"

#include <algorithm>

namespace session {

namespace {

/// The lower, the sooner a record gets a place when there are too few.
int rank(const Record& record) {
    if (record.state != State::open) return 2;
    return record.answered() ? 0 : 1;
}

/// A socket in use belongs to nobody until its session has a place.
void copy_pool(std::span<const PoolEntry> from, std::span<PoolEntry> to) {
    for (std::size_t i = 0; i < to.size(); ++i) {
        to[i] = i < from.size() ? from[i] : PoolEntry{};
        if (to[i].state != PoolEntry::State::idle) to[i].session = none;
    }
}

void place(const ArenaTables& from, const ArenaTables& to, Slot old_slot, Slot new_slot) {
    const Record& record = from.records[old_slot];
    to.records[new_slot] = record;
    const Slot socket = record.socket;
    if (socket < from.pool.size() && socket < to.pool.size() && from.pool[socket].session == old_slot &&
        to.pool[socket].state != PoolEntry::State::idle) {
        to.pool[socket].session = new_slot;
    }
}

/// The used slots of [first, last), those first that a place is for.
std::vector<Slot> used(std::span<const Record> records, Slot first, Slot last) {
    std::vector<Slot> slots;
    for (Slot slot = first; slot < last; ++slot)
        if (records[slot].state != State::free) slots.push_back(slot);
    std::ranges::stable_sort(slots, {}, [records](Slot slot) { return rank(records[slot]); });
    return slots;
}

/// A worker's slice: those that can stay at their place do, then the others fill what is left.
void place_slice(const ArenaTables& from, const ArenaTables& to, std::span<const Slot> slots, Slot first,
                 Slot last) {
    const auto stays = [first, last](Slot slot) { return slot >= first && slot < last; };
    for (const Slot slot : slots)
        if (stays(slot)) place(from, to, slot, slot);
    Slot next = first;
    for (const Slot slot : slots) {
        if (stays(slot)) continue;
        while (to.records[next].state != State::free)
            ++next;
        place(from, to, slot, next);
    }
}

/// Everything free; a place that was used before goes on counting its sessions, so that no id comes twice.
void clear(std::span<const Record> from, std::span<Record> to) {
    for (std::size_t i = 0; i < to.size(); ++i) {
        to[i] = Record{};
        if (i < from.size()) to[i].generation = from[i].generation;
    }
}

ArenaTables tables(const Arena& arena) {
    return {arena.records(), arena.pool(), arena.all_totals()};
}

}  // namespace

std::vector<Leftover> migrate(const ArenaTables& from, const ArenaTables& to, unsigned workers) {
    clear(from.records, to.records);
    copy_pool(from.pool, to.pool);
    std::ranges::copy(from.totals, to.totals.begin());
    std::vector<Leftover> leftovers;
    for (unsigned worker = 0; worker < workers; ++worker) {
        const Slot first = first_slot(to.records.size(), worker, workers);
        const Slot last = first_slot(to.records.size(), worker + 1, workers);
        const std::vector<Slot> slots = used(from.records, first_slot(from.records.size(), worker, workers),
                                             first_slot(from.records.size(), worker + 1, workers));
        const std::size_t fitting = std::min<std::size_t>(slots.size(), last - first);
        place_slice(from, to, std::span(slots).first(fitting), first, last);
        for (const Slot slot : std::span(slots).subspan(fitting))
            leftovers.push_back({slot, from.records[slot]});
    }
    return leftovers;
}

std::vector<Leftover> take_over(Arena& current, std::vector<Arena>& older, unsigned workers) {
    current.map();
    std::vector<Leftover> leftovers;
    // Only the newest one that a REG has worked with says how things are.
    for (std::size_t i = older.size(); i-- > 0 && !current.complete();) {
        older[i].map();
        if (!older[i].complete()) continue;
        leftovers = migrate(tables(older[i]), tables(current), workers);
        current.mark_complete();
    }
    older.clear();
    return leftovers;
}

}  // namespace session
