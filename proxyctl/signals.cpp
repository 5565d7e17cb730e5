#include "proxyctl/signals.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <system_error>

namespace proxyctl {

namespace {

std::atomic<int> wake_descriptor{-1};
std::array<std::atomic<bool>, NSIG> pending{};

void on_signal(int number) {
    const int error = errno;
    pending[static_cast<std::size_t>(number)] = true;
    const std::uint64_t one = 1;
    if (::write(wake_descriptor, &one, sizeof one) < 0) errno = 0;  // full, and therefore readable
    errno = error;
}

}  // namespace

Signals::Signals(std::vector<int> numbers)
    : numbers_(std::move(numbers)), wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), outer_(-1) {
    if (!wake_) throw std::system_error(errno, std::generic_category(), "eventfd");
    outer_ = wake_descriptor.exchange(wake_.get());
    for (const int number : numbers_) {
        struct sigaction action {};
        struct sigaction before {};
        action.sa_handler = on_signal;
        ::sigaction(number, &action, &before);
        before_.push_back(before);
    }
}

Signals::~Signals() {
    for (std::size_t i = 0; i < numbers_.size(); ++i)
        ::sigaction(numbers_[i], &before_[i], nullptr);
    wake_descriptor = outer_;
}

std::vector<int> Signals::take() {
    std::uint64_t count = 0;
    if (::read(wake_.get(), &count, sizeof count) < 0) return {};
    std::vector<int> taken;
    for (const int number : numbers_) {
        if (pending[static_cast<std::size_t>(number)].exchange(false)) taken.push_back(number);
    }
    return taken;
}

}  // namespace proxyctl
