#include "base/signals.hpp"

#include <sys/eventfd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <system_error>

namespace base {
namespace {

// SIGRTMIN is no constant: the C library keeps some real-time signals for itself.
const HandledSignal table[] = {
    {SIGINT, "INT", SignalAction::end},         {SIGTERM, "TERM", SignalAction::end},
    {SIGQUIT, "QUIT", SignalAction::end},       {SIGHUP, "HUP", SignalAction::end},
    {SIGUSR1, "USR1", SignalAction::level_up},  {SIGUSR2, "USR2", SignalAction::level_down},
    {SIGWINCH, "WINCH", SignalAction::reopen},  {SIGPWR, "INFO", SignalAction::info},
    {SIGCHLD, "CHLD", SignalAction::child},     {SIGPIPE, "PIPE", SignalAction::ignore},
    {SIGRTMIN, "USR1", SignalAction::level_up}, {SIGRTMIN + 1, "USR2", SignalAction::level_down},
};

// A handler may only touch lock-free atomics and has no object to work on: the state belongs to the process.
std::array<std::atomic<std::uint32_t>, NSIG> counts;
std::atomic<int> wake{-1};
static_assert(std::atomic<std::uint32_t>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

void count_signal(int number) {
    const int saved = errno;
    counts[static_cast<std::size_t>(number)].fetch_add(1);
    const std::uint64_t one = 1;
    const int fd = wake.load();
    // A full counter is readable already, so the loop wakes even if the write fails.
    if (fd >= 0) [[maybe_unused]]
        const auto written = ::write(fd, &one, sizeof one);
    errno = saved;
}

void install(int number, void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART | SA_NOCLDSTOP;
    ::sigfillset(&action.sa_mask);
    ::sigaction(number, &action, nullptr);
}

// Faults of the program itself stay deliverable: blocked they would kill without the chance of a core
// handler.
sigset_t all_but_faults() {
    sigset_t set;
    ::sigfillset(&set);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS})
        ::sigdelset(&set, fault);
    return set;
}

void add(TakenSignals& taken, const HandledSignal& signal, unsigned count) {
    switch (signal.action) {
        case SignalAction::end:
            taken.ends += count;
            if (taken.end == 0)
                taken.end = signal.number;
            else
                taken.ignored.push_back(signal.number);
            break;
        case SignalAction::level_up:
            taken.level_up += count;
            break;
        case SignalAction::level_down:
            taken.level_down += count;
            break;
        case SignalAction::reopen:
            taken.reopen += count;
            break;
        case SignalAction::info:
            taken.info += count;
            break;
        case SignalAction::child:
            taken.child = true;
            break;
        case SignalAction::ignore:
            break;
    }
}

}  // namespace

std::span<const HandledSignal> handled_signals() {
    return table;
}

std::string signal_name(int number) {
    for (const auto& signal : table)
        if (signal.number == number) return std::string(signal.name);
    return "signal " + std::to_string(number);
}

int queued_signal(int number) {
    if (number == SIGUSR1) return SIGRTMIN;
    return number == SIGUSR2 ? SIGRTMIN + 1 : number;
}

SignalInbox::SignalInbox() : wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (!wake_) throw std::system_error(errno, std::generic_category(), "eventfd for signals");
    BlockSignals quiet;
    for (auto& count : counts)
        count.store(0);
    wake.store(wake_.get());
    for (const auto& signal : table)
        install(signal.number, signal.action == SignalAction::ignore ? SIG_IGN : count_signal);
}

SignalInbox::~SignalInbox() {
    // Only if no later inbox took over: the parent's inbox lives on in a child's memory.
    int own = wake_.get();
    wake.compare_exchange_strong(own, -1);
}

TakenSignals SignalInbox::take() {
    // Read the wake-up first, then the counts: a signal in between causes one spurious wake-up, but is not
    // lost.
    std::uint64_t ignored = 0;
    [[maybe_unused]] const auto got = ::read(wake_.get(), &ignored, sizeof ignored);
    TakenSignals taken;
    for (const auto& signal : table)
        if (const auto count = counts[static_cast<std::size_t>(signal.number)].exchange(0))
            add(taken, signal, count);
    return taken;
}

void block_all() {
    const auto set = all_but_faults();
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void unblock_all() {
    sigset_t none;
    ::sigemptyset(&none);
    ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

void reset_to_default() {
    for (const auto& signal : table)
        install(signal.number, SIG_DFL);
    unblock_all();
}

BlockSignals::BlockSignals() {
    const auto set = all_but_faults();
    ::pthread_sigmask(SIG_BLOCK, &set, &before_);
}

BlockSignals::~BlockSignals() {
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace base
