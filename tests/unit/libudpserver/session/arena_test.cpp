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

TEST_CASE("no changed byte of the header makes an arena unreadable, or its sessions unknown [E-3]") {
    constexpr std::size_t header_size = 64;
    const bool is_complete = GENERATE(true, false);
    const auto content = is_complete ? session::Arena::Content::complete : session::Arena::Content::awaited;
    for (std::size_t at = 0; at < header_size; ++at) {
        for (const unsigned bits : {0x01u, 0x80u, 0x5au, 0xffu}) {
            session::Arena arena = session::Arena::create(4, 4, content);
            unsigned char byte = 0;
            const auto offset = static_cast<off_t>(at);
            REQUIRE(::pread(arena.descriptor(), &byte, 1, offset) == 1);
            byte = static_cast<unsigned char>(byte ^ bits);
            REQUIRE(::pwrite(arena.descriptor(), &byte, 1, offset) == 1);
            arena.map();
            CHECK(arena.complete() == is_complete);
            CHECK(arena.records().size() == 4);
        }
    }
}

TEST_CASE("a header of garbage promises nothing: sessions and sockets are not believed [E-3]") {
    session::Arena arena = session::Arena::create(4, 4);
    const std::uint64_t garbage = 0x5a5a'0f0f'1234'5678;
    REQUIRE(::pwrite(arena.descriptor(), &garbage, sizeof garbage, 0) == sizeof garbage);
    arena.map();
    CHECK(!arena.complete());
}
