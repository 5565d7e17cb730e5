#include "bench/packet_load/generator.hpp"

#include <poll.h>
#include <sys/prctl.h>
#include <time.h>

#include <algorithm>
#include <csignal>
#include <random>

namespace packet {

namespace {

constexpr std::uint64_t second = 1'000'000'000, millisecond = 1'000'000;

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

Plan warm_up_plan(const Options& options) {
    return {.rate = options.warm_up_rate, .count = options.flows, .flows = options.flows};
}

// As fast as possible needs an end, a rate has a number of datagrams.
Plan measured_plan(const Options& options) {
    Plan plan{.rate = options.rate, .flows = options.flows, .train = options.train};
    plan.count = options.count > 0 ? options.count : options.rate * options.milliseconds / 1000;
    if (plan.count == 0) {
        plan.count = UINT64_MAX;
        plan.end = options.milliseconds * millisecond;
    }
    return plan;
}

}  // namespace

Generator::Generator(const Options& options)
    : options_(options),
      flows_(options_),
      socket_(options.interface),
      verifier_(options_, random_nonce(), result_) {
    ::prctl(PR_SET_TIMERSLACK, 1UL);
}

void Generator::stop() {
    stopped = 1;
}

void Generator::warm_up() {
    if (options_.warm_up_rate == 0) return;
    run(warm_up_plan(options_));
    linger();
}

Result Generator::measure() {
    (void)socket_.take_overrun();
    const std::uint64_t start = monotonic();
    verifier_.begin_measuring(start);
    run(measured_plan(options_));
    result_.seconds = static_cast<double>(monotonic() - start) / static_cast<double>(second);
    linger();
    result_.overrun = socket_.take_overrun();
    return result_;
}

void Generator::run(const Plan& plan) {
    const std::uint64_t start = monotonic();
    for (std::uint64_t number = 0; stopped == 0 && !plan.is_over(number, monotonic() - start);) {
        number = send_due(plan, number, start);
        if (plan.rate > 0) {
            wait_and_receive(start + plan.due(number));
        } else if (!options_.one_way) {
            receive();
        }
    }
}

// Sends one batch at most, so that replies are read in time. Returns the number of the next datagram.
std::uint64_t Generator::send_due(const Plan& plan, std::uint64_t number, std::uint64_t start) {
    const std::uint64_t now = monotonic();
    while (socket_.added() < PacketSocket::batch_size && number < plan.count &&
           start + plan.due(number) <= now) {
        // What has no due time is due when it is sent.
        const std::uint64_t due = plan.rate == 0 && plan.end > 0 ? now : start + plan.due(number);
        result_.behind_ns = std::max(result_.behind_ns, now - due);
        send_one(plan.flow(number++), due);
    }
    socket_.send();
    return number;
}

void Generator::send_one(std::uint32_t flow, std::uint64_t due) {
    const auto frame = socket_.add(headers_size + options_.size);
    verifier_.write_next(flow, due, frame.subspan(headers_size));
    write_headers(frame, options_.gateway, socket_.mac(), flows_.path(flow));
}

void Generator::linger() {
    if (options_.one_way) return;
    const std::uint64_t end = monotonic() + options_.linger_ms * millisecond;
    while (stopped == 0 && result_.received < result_.sent && monotonic() < end)
        wait_and_receive(end);
}

void Generator::wait_and_receive(std::uint64_t deadline) {
    const std::uint64_t now = monotonic();
    const std::uint64_t wait = deadline > now ? std::min(deadline - now, second) : 0;
    const timespec timeout{static_cast<time_t>(wait / second), static_cast<long>(wait % second)};
    pollfd wanted{socket_.fd(), POLLIN, 0};
    if (wait > 0 && ::ppoll(&wanted, 1, &timeout, nullptr) != 1) return;
    receive();
}

void Generator::receive() {
    const std::size_t count = socket_.receive();
    const std::uint64_t now = monotonic();
    for (std::size_t i = 0; i < count; ++i) {
        if (const auto datagram = read_frame(socket_.frame(i))) verifier_.judge(*datagram, now);
    }
}

}  // namespace packet
