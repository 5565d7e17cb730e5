#include "libudpserver/session/arena.hpp"

#include <unistd.h>
#include <catch2/catch.hpp>

TEST_CASE("an arena has free records and idle sockets, and is the same in all processes that map it") {
    session::Arena arena = session::Arena::create(10, 20);
    arena.map();
    REQUIRE(arena.records().size() == 10);
    REQUIRE(arena.pool().size() == 20);
    for (const session::Record& record : arena.records())
        CHECK(record.state == session::State::free);
    for (const session::PoolEntry& entry : arena.pool())
        CHECK(entry.state == session::PoolEntry::State::idle);
    CHECK(reinterpret_cast<std::uintptr_t>(arena.records().data()) % 64 == 0);

    arena.records()[9].generation = 77;
    arena.totals(63).created.add(5);
    std::uint32_t generation = 0;
    const auto offset = reinterpret_cast<std::byte*>(&arena.records()[9].generation) -
                        reinterpret_cast<std::byte*>(&arena.totals(0)) + 64;
    REQUIRE(::pread(arena.descriptor(), &generation, sizeof generation, offset) == sizeof generation);
    CHECK(generation == 77);
    CHECK(arena.totals(63).created.get() == 5);
}

TEST_CASE("no process can change the size of the arena") {
    const session::Arena arena = session::Arena::create(1, 1);
    CHECK(::ftruncate(arena.descriptor(), 0) != 0);
    CHECK(::ftruncate(arena.descriptor(), 1 << 20) != 0);
}

TEST_CASE("an arena of another layout is refused") {
    session::Arena arena = session::Arena::create(4, 4);
    const std::uint64_t other = 1;
    REQUIRE(::pwrite(arena.descriptor(), &other, sizeof other, 0) == sizeof other);
    CHECK_THROWS_WITH(arena.map(), Catch::Contains("another version"));
}
