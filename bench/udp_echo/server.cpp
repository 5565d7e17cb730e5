#include "bench/udp_echo/server.hpp"

#include <fmt/core.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include <array>
#include <cstdio>
#include <utility>

#include "bench/udp_socket.hpp"

namespace echo {

namespace {

constexpr int socket_buffer = 8 << 20;
constexpr int batches_per_turn = 8;  // then the others get a turn: signals, late answers, the other socket

base::UniqueFd open_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGTERM, SIGINT, SIGUSR1})
        sigaddset(&set, number);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    return base::UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

base::UniqueFd open_other(const Options& options) {
    if (!options.other_port && !options.other_address) return {};
    const auto address = options.other_address.value_or(options.listen.address());
    const std::uint16_t port = options.other_port ? std::uint16_t{0} : options.listen.port;
    return bench::bound_socket({address, port}, socket_buffer);
}

}  // namespace

Server::Server(Options options)
    : options_(std::move(options)),
      socket_(bench::bound_socket(options_.listen, socket_buffer)),
      other_(open_other(options_)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      signals_(open_signals()) {
    watch(signals_.get());
    watch(socket_.get());
    if (other_) watch(other_.get());
}

void Server::watch(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
        throw std::system_error(errno, std::generic_category(), "epoll_ctl");
    }
}

void Server::run() {
    std::array<epoll_event, 4> events{};
    for (;;) {
        const int wait = late_.wait_ms(base::MonotonicClock::now());
        const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), wait);
        for (int i = 0; i < count; ++i) {
            const int fd = events[static_cast<std::size_t>(i)].data.fd;
            if (fd != signals_.get()) {
                read_socket(fd);
            } else if (!read_signal()) {
                return;
            }
        }
        send_due();
    }
}

void Server::read_socket(int fd) {
    for (int turn = 0; turn < batches_per_turn; ++turn) {
        const std::size_t count = batch_.receive(fd);
        if (count == 0) return;
        std::uint64_t wanted = 0;
        for (std::size_t i = 0; i < count; ++i) {
            tally_.count(batch_.from(i), batch_.payload(i).size());
            if (!wants_answer()) continue;
            ++wanted;
            answer(i);
        }
        const std::size_t failed = batch_.send(answering_socket(fd));
        tally_.count_answers(options_.delay_max == 0 ? wanted - failed : 0, failed);
    }
}

bool Server::wants_answer() const {
    if (options_.silent) return false;
    return options_.drop_every == 0 || tally_.datagrams() % options_.drop_every != 0;
}

void Server::answer(std::size_t index) {
    if (options_.delay_max == 0) {
        batch_.answer(index);
        return;
    }
    std::uniform_int_distribution<std::uint64_t> delay(options_.delay_min, options_.delay_max);
    const auto due = base::MonotonicClock::now() + base::Duration(delay(random_));
    if (!late_.add(due, batch_.from(index), batch_.payload(index))) tally_.count_answers(0, 1);
}

void Server::send_due() {
    const auto now = base::MonotonicClock::now();
    while (const auto late = late_.take(now)) {
        sockaddr_storage to{};
        const socklen_t length = base::to_sockaddr(late->to, to);
        const auto sent = ::sendto(answering_socket(socket_.get()), late->payload.data(),
                                   late->payload.size(), 0, reinterpret_cast<const sockaddr*>(&to), length);
        tally_.count_answers(sent >= 0, sent < 0);
    }
}

bool Server::read_signal() {
    signalfd_siginfo info{};
    if (::read(signals_.get(), &info, sizeof info) != sizeof info) return true;
    report();
    return info.ssi_signo == SIGUSR1;
}

void Server::report() const {
    const std::string line = tally_.to_json() + "\n";
    fmt::print("{}", line);
    std::fflush(stdout);
    if (options_.count_file.empty()) return;
    // Renamed into place, so that a reader never sees half a line.
    const std::string unfinished = options_.count_file + ".new";
    if (std::FILE* file = std::fopen(unfinished.c_str(), "w")) {
        std::fputs(line.c_str(), file);
        std::fclose(file);
        std::rename(unfinished.c_str(), options_.count_file.c_str());
    }
}

}  // namespace echo
