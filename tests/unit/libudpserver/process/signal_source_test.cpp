#include "libudpserver/process/signal_source.hpp"

#include <catch2/catch.hpp>
#include <memory>

#include "tests/support/process_fixture.hpp"

using namespace process;

TEST_CASE("every step of the level reaches the loop") {
    boost::asio::io_context io;
    base::SignalInbox inbox;
    SignalSource source(io, inbox);
    unsigned up = 0, calls = 0;
    source.start([&](const base::TakenSignals& taken) {
        up += taken.level_up;
        ++calls;
    });
    for (int i = 0; i < 3; ++i)
        ::kill(::getpid(), SIGUSR1);
    io.poll();
    CHECK(up == 3);
    CHECK(calls == 1);
    ::kill(::getpid(), SIGUSR1);
    io.poll();
    CHECK(up == 4);
}

TEST_CASE("a source that is stopped or destroyed calls nothing, and the inbox keeps its descriptor") {
    boost::asio::io_context io;
    base::SignalInbox inbox;
    int calls = 0;
    auto source = std::make_unique<SignalSource>(io, inbox);
    source->start([&](const base::TakenSignals&) {
        ++calls;
        source.reset();
    });
    ::kill(::getpid(), SIGUSR1);
    io.poll();
    CHECK(calls == 1);
    ::kill(::getpid(), SIGUSR1);
    io.restart();
    io.poll();
    CHECK(calls == 1);
    CHECK(inbox.take().level_up == 1);
}
