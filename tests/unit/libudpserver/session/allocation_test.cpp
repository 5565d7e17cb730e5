// Counts every allocation of this program while `counting` is set: nothing on a datagram's way may allocate
// once the session is there (doc/design.md, Sessions).

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <new>

#include "libudpserver/policy/session_acl.hpp"
#include "tests/unit/libudpserver/policy/policy_fixture.hpp"
#include "tests/unit/libudpserver/session/engine_fixture.hpp"

namespace {

std::atomic<bool> counting{false};
std::atomic<std::size_t> allocations{0};

void* allocate(std::size_t size) {
    if (counting) ++allocations;
    if (void* memory = std::malloc(size)) return memory;
    throw std::bad_alloc();
}

}  // namespace

// Not inlined, or the compiler sees free() meet what new returned.
[[gnu::noinline]] void* operator new(std::size_t size) {
    return allocate(size);
}
[[gnu::noinline]] void* operator new[](std::size_t size) {
    return allocate(size);
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    if (counting) ++allocations;
    return std::malloc(size);
}
[[gnu::noinline]] void* operator new[](std::size_t size, const std::nothrow_t& tag) noexcept {
    return operator new(size, tag);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete[](void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete[](void* memory, std::size_t) noexcept {
    std::free(memory);
}

TEST_CASE("a forwarded datagram allocates nothing in either direction, nor does a refused one") {
    const LoopbackSocket server, client, stranger;
    conf::Config config = config_for(accept_to(server.endpoint()));
    conf::HostItem own{.kind = conf::HostItem::Kind::range};
    own.first = own.last = *base::parse_address("127.0.0.1");
    const LoopbackSocket denied("127.0.0.3");
    config.session_acl[0].from = {own};
    Engine engine(config);
    REQUIRE(round_trip(engine, client, server));
    REQUIRE(denied.send_to(engine.address(), "x"));
    engine.pump();
    REQUIRE(client.send_to(engine.address(), "question"));
    engine.pump();
    const base::Endpoint socket = server.receive()->from;

    for (int i = 0; i < 100; ++i) {
        REQUIRE(client.send_to(engine.address(), "x"));
        REQUIRE(server.send_to(socket, "y"));
        REQUIRE(denied.send_to(engine.address(), "z"));
        counting = true;
        engine.pump();
        engine.sessions->tick(engine.now);
        counting = false;
    }
    CHECK(engine.only().counters.to_server_datagrams == 102);
    CHECK(engine.only().counters.to_client_datagrams == 101);
    CHECK(engine.refused(session::CloseReason::acl) == 101);
    CHECK(allocations == 0);
}

TEST_CASE("a decision of the policy allocates nothing, with names and lists neither") {
    const conf::Config config = config_of({rule_from({named("a.example"), list(0), pattern("x")}),
                                           rule_from({named("b.example"), negated(list(0))})},
                                          {{"lan", {named("b.example"), one("192.0.2.9")}}});
    policy::Names names(config);
    const policy::SessionAcl acl(config, names);
    const std::vector<std::string> nothing;
    policy::Question question{::endpoint("192.0.2.1:4000"), ::endpoint("10.0.1.1:53"), 0, {0, 510}, &nothing};
    allocations = 0;
    counting = true;
    const auto waiting = acl.first_match(question).match;
    counting = false;
    know(names, "a.example", {"192.0.2.1", "2001:db8::1"});
    know(names, "b.example", {"192.0.2.9"});
    counting = true;
    const auto matching = acl.first_match(question).match;
    question.client = ::endpoint("192.0.2.2:4000");
    const auto failing = acl.first_match(question).match;
    counting = false;
    CHECK(allocations == 0);
    CHECK(waiting == policy::Match::needs_names);
    CHECK(matching == policy::Match::yes);
    CHECK(failing == policy::Match::no);
    allocations = 0;
}

TEST_CASE("the counting works") {
    allocations = 0;
    counting = true;
    int* volatile kept = new int;  // volatile: an unused pair may be optimised away
    delete kept;
    counting = false;
    CHECK(allocations >= 1);
    allocations = 0;
}
