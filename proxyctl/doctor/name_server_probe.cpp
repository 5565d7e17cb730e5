#include "proxyctl/doctor/name_server_probe.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>

namespace proxyctl {

namespace {

constexpr std::size_t header_size = 12, length_size = 2;

using Question = std::array<unsigned char, length_size + 17>;

/// Recursion desired, one question: `.` NS IN. Its length comes before it, for TCP.
Question make_question() {
    Question question{0, 17, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1};
    if (::getrandom(question.data() + length_size, 2, 0) != 2) question[length_size] = 42;
    return question;
}

/// One question to one server. Never waits: `go_on` does what can be done when the socket is ready.
class Exchange {
public:
    Exchange(NameServerProbe& probe, const Question& question)
        : probe_(probe), question_(question), by_tcp_(probe.transport == conf::Transport::tcp) {
        connect();
    }

    [[nodiscard]] int descriptor() const { return fd_.get(); }
    [[nodiscard]] bool done() const { return done_; }
    [[nodiscard]] std::uint32_t events() const { return sent_ ? EPOLLIN : EPOLLOUT; }

    void go_on() { sent_ ? receive() : send(); }

private:
    void connect() {
        sockaddr_storage address{};
        const socklen_t size = base::to_sockaddr(probe_.server, address);
        const int type = by_tcp_ ? SOCK_STREAM : SOCK_DGRAM;
        fd_ = base::UniqueFd(::socket(address.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        const bool begun =
            fd_ && (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0 ||
                    errno == EINPROGRESS);
        if (!begun) give_up(std::strerror(errno));
    }

    void send() {
        const auto message = std::span(question_).subspan(by_tcp_ ? 0 : length_size);
        const ssize_t sent = ::send(fd_.get(), message.data(), message.size(), MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (sent < 0) return give_up(std::strerror(errno));
        sent_ = true;
    }

    void receive() {
        const std::size_t before = by_tcp_ ? received_ : 0;  // a datagram is a message of its own
        const ssize_t size = ::recv(fd_.get(), answer_.data() + before, answer_.size() - before, 0);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (size < 0) return give_up(std::strerror(errno));
        if (size == 0 && by_tcp_) return give_up("it closed the connection");
        received_ = before + static_cast<std::size_t>(size);
        judge();
    }

    void judge() {
        const std::size_t begin = by_tcp_ ? length_size : 0;
        if (received_ < begin + header_size) return;
        const unsigned char* header = answer_.data() + begin;
        const unsigned char* id = question_.data() + length_size;
        if (header[0] == id[0] && header[1] == id[1] && (header[2] & 0x80) != 0) {
            probe_.rcode = header[3] & 0x0f;
            done_ = true;
        } else if (by_tcp_) {
            give_up("what it sent is no answer");  // a datagram may be a stranger's
        }
    }

    void give_up(const char* why) {
        probe_.trouble = why;
        done_ = true;
    }

    NameServerProbe& probe_;
    Question question_;
    bool by_tcp_;
    base::UniqueFd fd_;
    bool sent_ = false;
    bool done_ = false;
    std::array<unsigned char, 512> answer_{};
    std::size_t received_ = 0;
};

/// Lets all exchanges go on as their sockets become ready. One descriptor stands for all of them.
class Exchanges {
public:
    explicit Exchanges(std::vector<NameServerProbe>& probes) : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
        const Question question = make_question();
        exchanges_.reserve(probes.size());
        for (NameServerProbe& probe : probes) {
            exchanges_.emplace_back(probe, question);
            if (!exchanges_.back().done()) watch(exchanges_.size() - 1, EPOLL_CTL_ADD);
        }
    }

    void run(const Timeout& timeout) {
        const base::Instant end = base::MonotonicClock::now() + timeout.limit;
        while (waiting_ > 0) {
            const base::Duration left = end - base::MonotonicClock::now();
            if (left <= base::Duration::zero()) return;
            if (wait_for(epoll_.get(), POLLIN, {left, timeout.interrupt})) go_on();
        }
    }

private:
    void go_on() {
        epoll_event ready{};
        if (::epoll_wait(epoll_.get(), &ready, 1, 0) != 1) return;
        Exchange& exchange = exchanges_[ready.data.u32];
        exchange.go_on();
        watch(ready.data.u32, exchange.done() ? EPOLL_CTL_DEL : EPOLL_CTL_MOD);
    }

    void watch(std::size_t number, int change) {
        epoll_event event{exchanges_[number].events(), {}};
        event.data.u32 = static_cast<std::uint32_t>(number);
        ::epoll_ctl(epoll_.get(), change, exchanges_[number].descriptor(), &event);
        if (change == EPOLL_CTL_ADD) ++waiting_;
        if (change == EPOLL_CTL_DEL) --waiting_;
    }

    base::UniqueFd epoll_;
    std::vector<Exchange> exchanges_;
    std::size_t waiting_ = 0;
};

}  // namespace

std::vector<NameServerProbe> run_probes(std::vector<NameServerProbe> probes, const Timeout& timeout) {
    Exchanges(probes).run(timeout);
    return probes;
}

}  // namespace proxyctl
