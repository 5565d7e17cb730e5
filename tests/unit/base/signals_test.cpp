#include "base/signals.hpp"

#include <fcntl.h>
#include <poll.h>

#include <csignal>
#include <set>
#include <thread>

#include <catch2/catch.hpp>

#include "tests/unit/base/forked.hpp"

using namespace base;

namespace {

bool readable(int fd) {
    pollfd ready{fd, POLLIN, 0};
    return ::poll(&ready, 1, 0) == 1;
}

bool nothing(const TakenSignals& taken) {
    return taken.end == 0 && taken.ends == 0 && taken.ignored.empty() && taken.level_up == 0 &&
           taken.level_down == 0 && taken.reopen == 0 && taken.info == 0 && !taken.child;
}

/// Handlers stay in place after a test; the process is given back as it was.
struct Fixture {
    SignalInbox inbox;
    ~Fixture() { reset_to_default(); }
};

}  // namespace

TEST_CASE("no level signal is lost, however many come together [O-4][O-5][K-14]") {
    Fixture fixture;
    for (int i = 0; i < 100; ++i)
        ::raise(SIGUSR1);
    for (int i = 0; i < 7; ++i)
        ::raise(SIGUSR2);
    ::raise(SIGWINCH);
    ::raise(SIGPWR);
    ::raise(SIGCHLD);
    CHECK(readable(fixture.inbox.descriptor()));
    const auto taken = fixture.inbox.take();
    CHECK(taken.level_up == 100);
    CHECK(taken.level_down == 7);
    CHECK(taken.reopen == 1);
    CHECK(taken.info == 1);
    CHECK(taken.child);
    CHECK(taken.end == 0);
    CHECK_FALSE(readable(fixture.inbox.descriptor()));
    CHECK(nothing(fixture.inbox.take()));
}

TEST_CASE("of several signals that end, the strongest acts and the others are told as ignored [O-5][K-21]") {
    Fixture fixture;
    for (const int number : {SIGHUP, SIGUSR1, SIGQUIT, SIGTERM, SIGINT, SIGTERM})
        ::raise(number);
    auto taken = fixture.inbox.take();
    CHECK(taken.end == SIGINT);
    CHECK(taken.ends == 5);
    CHECK(taken.ignored == std::vector<int>{SIGTERM, SIGQUIT, SIGHUP});
    CHECK(taken.level_up == 1);

    ::raise(SIGHUP);
    taken = fixture.inbox.take();
    CHECK(taken.end == SIGHUP);
    CHECK(taken.ends == 1);
    CHECK(taken.ignored.empty());
}

TEST_CASE("SIGPIPE is ignored, INFO ends nothing [O-6][O-7]") {
    CHECK(in_child([] {
              SignalInbox inbox;
              ::raise(SIGPIPE);
              if (!nothing(inbox.take())) return 1;
              ::raise(SIGPWR);
              const auto taken = inbox.take();
              return taken.info == 1 && taken.end == 0 ? 0 : 2;
          }) == 0);
}

TEST_CASE("the descriptor of an inbox never blocks and is closed on exec") {
    Fixture fixture;
    CHECK((::fcntl(fixture.inbox.descriptor(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(fixture.inbox.descriptor(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("a child's inbox sees nothing of its parent's signals, and the other way round") {
    Fixture fixture;
    ::raise(SIGUSR1);
    const int status = in_child([&] {
        SignalInbox own;
        if (!nothing(own.take()) || readable(own.descriptor())) return 1;
        ::raise(SIGTERM);
        if (!readable(own.descriptor())) return 2;
        return own.take().end == SIGTERM ? 0 : 3;
    });
    CHECK(status == 0);
    const auto taken = fixture.inbox.take();
    CHECK(taken.end == 0);
    CHECK(taken.level_up == 1);
}

TEST_CASE("the end of an older inbox does not disturb the one that took over") {
    auto old = std::make_unique<SignalInbox>();
    Fixture fixture;
    old.reset();
    ::raise(SIGUSR2);
    CHECK(readable(fixture.inbox.descriptor()));
    CHECK(fixture.inbox.take().level_down == 1);
}

TEST_CASE("signals that come while they are blocked arrive afterwards") {
    Fixture fixture;
    {
        const BlockSignals guard;
        ::raise(SIGUSR1);
        ::raise(SIGTERM);
        CHECK(nothing(fixture.inbox.take()));
    }
    const auto taken = fixture.inbox.take();
    CHECK(taken.level_up == 1);
    CHECK(taken.end == SIGTERM);
}

TEST_CASE("a thread that blocks all leaves signals to the main thread") {
    Fixture fixture;
    sigset_t mask;
    std::thread([&] {
        block_all();
        ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    }).join();
    for (const auto& signal : handled_signals())
        CHECK(::sigismember(&mask, signal.number) == 1);
    CHECK(::sigismember(&mask, SIGSEGV) == 0);
}

TEST_CASE("after a reset signals act as in a fresh process") {
    const auto dies_of = [](int number) {
        return in_child([&] {
            SignalInbox inbox;
            block_all();
            reset_to_default();
            ::raise(number);
            return 0;
        });
    };
    CHECK(dies_of(SIGTERM) == 128 + SIGTERM);
    CHECK(dies_of(SIGPIPE) == 128 + SIGPIPE);
    CHECK(dies_of(SIGCHLD) == 0);
}

TEST_CASE("steps of the level are queued while the receiver cannot run [K-15][O-5]") {
    Fixture fixture;
    {
        BlockSignals busy;
        for (int i = 0; i < 3; ++i)
            ::raise(queued_signal(SIGUSR1));
        ::raise(queued_signal(SIGUSR2));
        ::raise(queued_signal(SIGUSR2));
    }
    const auto taken = fixture.inbox.take();
    CHECK(taken.level_up == 3);
    CHECK(taken.level_down == 2);
    CHECK(queued_signal(SIGWINCH) == SIGWINCH);
    CHECK(signal_name(queued_signal(SIGUSR2)) == "USR2");
}

TEST_CASE("every signal has a name and a row of its own") {
    std::set<int> numbers;
    for (const auto& signal : handled_signals()) {
        CHECK(numbers.insert(signal.number).second);
        CHECK(signal_name(signal.number) == signal.name);
    }
    CHECK(signal_name(SIGPWR) == "INFO");
    CHECK(signal_name(SIGSEGV) == "signal 11");
}
