#include "bench/udp_load/sockets.hpp"

#include <sys/epoll.h>
#include <sys/resource.h>

#include <algorithm>

#include "bench/udp_socket.hpp"

namespace load {

namespace {

constexpr int socket_buffer = 1 << 20;
constexpr std::size_t ports_of_one_address = 20'000;  // leaves ephemeral ports for others

// Raises the limit of descriptors as far as it goes, and returns it.
std::size_t raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

unsigned free_bits(const Options& options) {
    const unsigned all = options.from.family == base::Family::v6 ? 128 : 32;
    return std::min(all - options.prefix, 24U);
}

// How many addresses the clients are spread over: without the network's own and its broadcast address.
std::size_t hosts_of(const Options& options) {
    const unsigned bits = free_bits(options);
    return bits <= 1 ? 1 : (std::size_t{1} << bits) - 2;
}

}  // namespace

Sockets::Sockets(const Options& options)
    : options_(options),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      max_short_lived_(std::min(raise_descriptor_limit() / 2, hosts_of(options) * ports_of_one_address)) {
    if (options.churn) return;
    for (std::uint32_t client = 0; client < options.clients; ++client) {
        of_client_.push_back(open({client, false, 0}));
    }
}

int Sockets::open_for(std::uint32_t client, std::uint64_t sequence) {
    if (short_lived_.size() >= max_short_lived_) short_lived_.pop_front();
    short_lived_.push_back(open({client, true, sequence}));
    return short_lived_.back().get();
}

base::UniqueFd Sockets::open(const Owner& owner) {
    auto fd = bench::bound_socket({source_of(owner.client), 0}, socket_buffer);
    sockaddr_storage to{};
    const socklen_t length = base::to_sockaddr(options_.to, to);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), length) != 0) {
        throw std::system_error(errno, std::generic_category(), "connect to " + base::to_string(options_.to));
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd.get();
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event) != 0) {
        throw std::system_error(errno, std::generic_category(), "epoll_ctl");
    }
    const auto place = static_cast<std::size_t>(fd.get());
    owners_.resize(std::max(owners_.size(), place + 1));
    owners_[place] = owner;
    return fd;
}

// 127.1.0.0/24 gives 127.1.0.1 to 127.1.0.254, in turn.
base::Address Sockets::source_of(std::uint32_t client) const {
    if (free_bits(options_) == 0) return options_.from;
    base::Address address = base::network_of(options_.from, options_.prefix);
    auto number = static_cast<std::uint32_t>(1 + client % hosts_of(options_));
    for (std::size_t at = address.family == base::Family::v6 ? 15 : 3; number > 0; --at, number >>= 8) {
        address.bytes[at] = static_cast<std::uint8_t>(address.bytes[at] | (number & 0xff));
    }
    return address;
}

}  // namespace load
