#include "libudpserver/sandbox/descriptor_guard.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <functional>
#include <string>

#include "base/unique_fd.hpp"

namespace {

/// Runs `attempt` in a process that is guarded; returns the errno that it ended with, 0 for success.
int errno_of(const sandbox::GuardedSockets& guarded, const std::function<bool()>& attempt) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        sandbox::guard(guarded);
        ::_exit(attempt() ? 0 : errno);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

struct Sockets {
    base::UniqueFd sender{::socket(AF_INET, SOCK_DGRAM, 0)}, receiver{::socket(AF_INET, SOCK_DGRAM, 0)},
        other{::socket(AF_INET, SOCK_DGRAM, 0)};
    [[nodiscard]] sandbox::GuardedSockets guarded() const { return {{sender.get()}, {receiver.get()}}; }
};

const sockaddr_in target{
    .sin_family = AF_INET, .sin_port = htons(9), .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
const auto* const address = reinterpret_cast<const sockaddr*>(&target);

bool sends_to(int socket) {
    return ::sendto(socket, "", 0, 0, address, sizeof target) == 0;
}

bool sends_message(int socket) {
    msghdr message{};
    message.msg_name = const_cast<sockaddr*>(address);
    message.msg_namelen = sizeof target;
    return ::sendmsg(socket, &message, 0) == 0;
}

bool sends_messages(int socket) {
    mmsghdr message{};
    message.msg_hdr.msg_name = const_cast<sockaddr*>(address);
    message.msg_hdr.msg_namelen = sizeof target;
    return ::sendmmsg(socket, &message, 1, 0) == 1;
}

}  // namespace

TEST_CASE("a guarded socket cannot be set up, bound, connected or copied [S-9]") {
    const Sockets sockets;
    const int on = 1;
    const std::pair<const char*, std::function<bool(int)>> attempts[] = {
        {"setsockopt",
         [&](int fd) { return ::setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof on) == 0; }},
        {"bind", [&](int fd) { return ::bind(fd, address, sizeof target) == 0 || errno == EACCES; }},
        {"connect", [&](int fd) { return ::connect(fd, address, sizeof target) == 0; }},
        {"dup", [&](int fd) { return ::dup(fd) >= 0; }},
        {"dup2", [&](int fd) { return ::dup2(fd, 200) >= 0; }},
        {"dup3", [&](int fd) { return ::dup3(fd, 200, 0) >= 0; }},
        {"F_DUPFD", [&](int fd) { return ::fcntl(fd, F_DUPFD, 100) >= 0; }},
        {"F_DUPFD_CLOEXEC", [&](int fd) { return ::fcntl(fd, F_DUPFD_CLOEXEC, 100) >= 0; }}};
    for (const auto& [name, attempt] : attempts) {
        INFO(name);
        for (const int guarded : {sockets.sender.get(), sockets.receiver.get()})
            CHECK(errno_of(sockets.guarded(), [&] { return attempt(guarded); }) == EPERM);
        CHECK(errno_of(sockets.guarded(), [&] { return attempt(sockets.other.get()); }) == 0);
    }
}

TEST_CASE("a guarded sender sends, a guarded receiver does not [S-9]") {
    const Sockets sockets;
    for (const auto& send : {sends_to, sends_message, sends_messages}) {
        CHECK(errno_of(sockets.guarded(), [&] { return send(sockets.sender.get()); }) == 0);
        CHECK(errno_of(sockets.guarded(), [&] { return send(sockets.receiver.get()); }) == EPERM);
    }
    CHECK(errno_of(sockets.guarded(), [&] { return ::write(sockets.receiver.get(), "", 1) == 1; }) == EPERM);
    CHECK(errno_of(sockets.guarded(), [&] {
              char byte;
              return ::recv(sockets.receiver.get(), &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
          }) == 0);
}

TEST_CASE("without guarded sockets there is no other filter") {
    const auto filters = [] { return ::prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0; };
    CHECK(errno_of({}, filters) == 0);
}
