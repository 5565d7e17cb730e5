#include "proxyctl/name_server_probe.hpp"

#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <array>

namespace proxyctl {

namespace {

using Question = std::array<unsigned char, 17>;

/// Recursion desired, one question: `.` NS IN.
Question make_question() {
    Question question{0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1};
    if (::getrandom(question.data(), 2, 0) != 2) question[0] = 42;
    return question;
}

base::UniqueFd send_question(const base::Endpoint& server, const Question& question) {
    sockaddr_storage address{};
    const socklen_t size = base::to_sockaddr(server, address);
    base::UniqueFd fd(::socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const bool sent = fd && ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
                      ::send(fd.get(), question.data(), question.size(), 0) > 0;
    return sent ? std::move(fd) : base::UniqueFd();
}

bool answers(const base::UniqueFd& fd, const Question& question, base::Instant end,
             const Patience& patience) {
    while (fd) {
        const base::Duration left = end - base::MonotonicClock::now();
        if (left <= base::Duration::zero() || !wait_for(fd.get(), POLLIN, {left, patience.interrupt}))
            return false;
        std::array<unsigned char, 512> answer{};
        const ssize_t size = ::recv(fd.get(), answer.data(), answer.size(), 0);
        if (size < 0) return false;  // refused by the network
        const bool is_answer =
            size >= 12 && answer[0] == question[0] && answer[1] == question[1] && (answer[2] & 0x80) != 0;
        if (is_answer) return true;
    }
    return false;
}

}  // namespace

std::vector<std::string> silent_servers(const std::vector<base::Endpoint>& servers,
                                        const Patience& patience) {
    const Question question = make_question();
    std::vector<base::UniqueFd> sockets;
    for (const base::Endpoint& server : servers)
        sockets.push_back(send_question(server, question));
    const base::Instant end = base::MonotonicClock::now() + patience.limit;
    std::vector<std::string> silent;
    for (std::size_t i = 0; i < servers.size(); ++i) {
        if (!answers(sockets[i], question, end, patience)) silent.push_back(base::to_string(servers[i]));
    }
    return silent;
}

}  // namespace proxyctl
