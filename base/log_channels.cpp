#include "base/log_channels.hpp"

#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <system_error>

#include "base/pass_rights.hpp"

namespace base::log {
namespace {

/// Some thousand lines; less without privileges.
constexpr int buffer_bytes = 2 << 20;
constexpr std::size_t counter_bytes = 4096;

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::system_category(), what);
}

}  // namespace

SharedCounters::SharedCounters() {
    void* const memory =
        ::mmap(nullptr, counter_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) fail("memory for the counters of the log");
    first_.reset(new (memory) std::atomic<std::uint64_t>[counter_bytes / sizeof(std::atomic<std::uint64_t>)]);
}

void SharedCounters::Unmap::operator()(std::atomic<std::uint64_t>* first) const {
    ::munmap(first, counter_bytes);
}

std::pair<UniqueFd, UniqueFd> packet_pair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        fail("socketpair");
    std::pair<UniqueFd, UniqueFd> pair{UniqueFd(ends[0]), UniqueFd(ends[1])};
    const int on = 1;
    if (::setsockopt(ends[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) fail("SO_PASSCRED");
    refuse_descriptors(ends[1]);
    // The room is the sender's; one-way, so that LOG cannot talk back.
    if (::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUFFORCE, &buffer_bytes, sizeof buffer_bytes) != 0)
        ::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof buffer_bytes);
    ::shutdown(ends[0], SHUT_RD);
    return pair;
}

Channels::Channels(const std::vector<std::string>& roles) : of_log_(std::in_place) {
    std::size_t number = 3;  // after the other counters of LOG
    for (const std::string& role : roles) {
        auto [sender, receiver] = packet_pair();
        all_.push_back(
            {role, std::move(sender), std::move(receiver), SharedCounters(), &(*of_log_)[number++]});
    }
}

Channels::Channels(UniqueFd sender) {
    all_.push_back({"", std::move(sender), {}, {}, nullptr});
}

void Channels::keep_only(const Channel& own) {
    of_log_.reset();
    for (Channel& channel : all_) {
        channel.reported = nullptr;
        if (&channel != &own) channel.counters.reset();
    }
}

Channel& Channels::of(std::string_view role) {
    const auto found = std::ranges::find(all_, role, &Channel::role);
    return found == all_.end() ? all_.front() : *found;
}

std::vector<int> Channels::receivers() const {
    std::vector<int> found;
    for (const Channel& channel : all_)
        found.push_back(channel.receiver.get());
    return found;
}

std::uint64_t Channels::lost() const {
    std::uint64_t sum = (*of_log_)[0];
    for (const Channel& channel : all_)
        sum += channel.lost();
    return sum;
}

}  // namespace base::log
