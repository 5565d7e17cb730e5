#include "bench/udp_load/generator.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <random>

namespace load {

namespace {

constexpr std::uint64_t second = 1'000'000'000;
constexpr int datagrams_per_turn = 64;  // then the other direction gets its turn
constexpr std::size_t receive_size = 65536;

volatile std::sig_atomic_t stopped = 0;

std::uint64_t monotonic() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * second + static_cast<std::uint64_t>(now.tv_nsec);
}

std::uint64_t random_nonce() {
    std::random_device device;
    return static_cast<std::uint64_t>(device()) << 32 | device();
}

}  // namespace

Generator::Generator(const Options& options)
    : options_(options),
      schedule_{options.rate, options.clients},
      nonce_(random_nonce()),
      sockets_(options_),
      clients_(options.clients),
      outgoing_(options.size),
      incoming_(receive_size),
      expected_(options.size) {}

void Generator::stop() {
    stopped = 1;
}

std::uint64_t Generator::elapsed() const {
    return monotonic() - start_;
}

Result Generator::run() {
    start_ = monotonic();
    while (next_ < options_.total() && stopped == 0) {
        send_due(elapsed());
        const std::uint64_t now = elapsed();
        wait_and_read(now, schedule_.due(next_));
    }
    result_.seconds = static_cast<double>(elapsed()) / static_cast<double>(second);
    const std::uint64_t end = elapsed() + options_.linger_ms * 1'000'000;
    for (std::uint64_t now = elapsed(); now < end && result_.lost() > 0; now = elapsed())
        wait_and_read(now, end);
    return result_;
}

void Generator::send_due(std::uint64_t now) {
    for (int i = 0; i < datagrams_per_turn && next_ < options_.total() && schedule_.due(next_) <= now; ++i) {
        send_one(static_cast<std::uint32_t>(next_ % options_.clients));
        ++next_;
    }
}

void Generator::send_one(std::uint32_t client) {
    const std::uint64_t sequence = clients_[client].next_sequence();
    clients_[client].sent();
    ++result_.sent;
    Payload{nonce_, client, sequence, schedule_.due(client, sequence)}.write(outgoing_);
    transmit(options_.churn ? sockets_.open_for(client, sequence) : sockets_.of_client(client), outgoing_);
}

void Generator::transmit(int fd, std::span<const std::byte> bytes) {
    // An ICMP error of an earlier datagram is reported by the next call; that call has then sent nothing.
    for (int attempt = 0; attempt < 3; ++attempt) {
        if (::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT) >= 0) return;
        if (errno != ECONNREFUSED) break;
        ++result_.unreachable;
    }
    ++result_.not_sent;
}

void Generator::wait_and_read(std::uint64_t now, std::uint64_t deadline) {
    const std::uint64_t wait = deadline > now ? std::min(deadline - now, second) : 0;
    const timespec timeout{static_cast<time_t>(wait / second), static_cast<long>(wait % second)};
    std::array<epoll_event, datagrams_per_turn> events{};
    const int count =
        ::epoll_pwait2(sockets_.epoll(), events.data(), static_cast<int>(events.size()), &timeout, nullptr);
    for (int i = 0; i < count; ++i)
        read_socket(events[static_cast<std::size_t>(i)].data.fd);
}

void Generator::read_socket(int fd) {
    for (int i = 0; i < datagrams_per_turn; ++i) {
        const auto length = ::recv(fd, incoming_.data(), incoming_.size(), MSG_DONTWAIT);
        if (length >= 0) {
            judge(fd, std::span(incoming_).first(static_cast<std::size_t>(length)));
        } else if (errno == ECONNREFUSED) {
            ++result_.unreachable;
        } else {
            return;
        }
    }
}

void Generator::judge(int fd, std::span<const std::byte> bytes) {
    const auto payload = Payload::read(bytes);
    if (!payload) {
        ++result_.corrupt;
        return;
    }
    const Owner& owner = sockets_.owner(fd);
    const bool mine = payload->nonce == nonce_ && payload->client == owner.client &&
                      (!owner.one_sequence || payload->sequence == owner.sequence);
    if (!mine) {
        ++result_.wrong;
    } else if (!same_bytes(*payload, bytes)) {
        ++result_.corrupt;
    } else if (!clients_[owner.client].answered(payload->sequence)) {
        ++result_.duplicates;
    } else {
        ++result_.received;
        const std::uint64_t now = elapsed();
        result_.latency.add(now > payload->due ? now - payload->due : 0);
    }
}

bool Generator::same_bytes(const Payload& payload, std::span<const std::byte> bytes) {
    if (payload.sequence >= clients_[payload.client].next_sequence() || bytes.size() != expected_.size())
        return false;
    const std::uint64_t due = schedule_.due(payload.client, payload.sequence);
    Payload{nonce_, payload.client, payload.sequence, due}.write(expected_);
    return std::memcmp(bytes.data(), expected_.data(), expected_.size()) == 0;
}

}  // namespace load
