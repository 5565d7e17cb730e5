#include "tests/proxies/hostile_proxy.hpp"

#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "libudpserver/ipc/messages.hpp"

namespace proxies {

namespace {

using session::SessionContext;
using session::Verdict;

bool is_link(int fd) {
    int type = 0, domain = 0;
    socklen_t size = sizeof type;
    if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0) return false;
    size = sizeof domain;
    return ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX &&
           type == SOCK_SEQPACKET;
}

/// UDP sockets that are not connected: the listeners, and what the pool has free.
template <typename Do>
long to_unconnected(Do act) {
    long done = -1;
    for (int fd = 0; fd < 4096; ++fd) {
        int protocol = 0;
        socklen_t size = sizeof protocol;
        sockaddr_storage peer;
        socklen_t length = sizeof peer;
        if (::getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) != 0 || protocol != IPPROTO_UDP)
            continue;
        if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &length) == 0) continue;
        if (act(fd) == 0) ++done;
    }
    return done;
}

int connect_away(int fd, std::uint16_t port) {
    sockaddr_in nobody{};
    nobody.sin_family = AF_INET;
    nobody.sin_port = htons(port);
    nobody.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);  // no client
    return ::connect(fd, reinterpret_cast<const sockaddr*>(&nobody), sizeof nobody);
}

int drop_all(int fd) {
    sock_filter nothing{BPF_RET | BPF_K, 0, 0, 0};
    const sock_fprog program{1, &nothing};
    return ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

std::vector<int> links() {
    std::vector<int> found;
    for (int fd = 0; fd < 4096; ++fd)
        if (is_link(fd)) found.push_back(fd);
    return found;
}

/// A packet of any type with a body of random bytes, to all other processes.
long forge(unsigned type, std::size_t length, int times) {
    std::mt19937 dice(type);
    std::vector<std::uint8_t> packet(8 + length);
    for (std::uint8_t& byte : packet)
        byte = static_cast<std::uint8_t>(dice());
    const std::array<std::uint8_t, 4> header{static_cast<std::uint8_t>(type),
                                             static_cast<std::uint8_t>(type >> 8)};
    std::memcpy(packet.data(), header.data(), header.size());
    long sent = 0;
    const std::vector<int> all = links();
    for (int i = 0; i < times; ++i)
        for (const int link : all)
            sent += ::send(link, packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0 ? 1 : 0;
    return sent;
}

/// Requests that are well formed.
long ask_for_sockets(int times) {
    ipc::Encoder packet;
    ipc::encode(packet, ipc::Header{static_cast<std::uint16_t>(ipc::PoolRequest::type), 0, 1});
    ipc::PoolRequest{0, 0, 1}.encode(packet);
    long sent = 0;
    const std::vector<int> all = links();
    for (int i = 0; i < times; ++i)
        for (const int link : all)
            sent += ::send(link, packet.data().data(), packet.data().size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0
                        ? 1
                        : 0;
    return sent;
}

long execute() {
    std::string path = "/bin/true";
    char* arguments[] = {path.data(), nullptr};
    return ::execve(path.c_str(), arguments, environ);
}

long clone_with(unsigned long flags) {
    const long pid = ::syscall(SYS_clone, flags, 0, 0, 0, 0);
    if (pid == 0) ::syscall(SYS_exit_group, 0);
    return pid;
}

/// By the control socket.
long stop_proxyd() {
    const char* const path = std::getenv("HOSTILE_SOCKET");
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path == nullptr ? "" : path, sizeof address.sun_path - 1);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return -1;
    constexpr std::string_view request = "{\"command\":\"stop\",\"args\":{}}\n";
    const ssize_t sent = ::send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    ::close(fd);
    return sent;
}

struct Attack {
    std::string_view word;
    long (*run)(unsigned number);
};

constexpr Attack attacks[] = {
    {"open", [](unsigned) -> long { return ::open("/etc/passwd", O_RDONLY); }},
    {"write", [](unsigned) -> long { return ::open("/tmp/hostile", O_WRONLY | O_CREAT, 0600); }},
    {"socket", [](unsigned) -> long { return ::socket(AF_INET, SOCK_DGRAM, 0); }},
    {"raw", [](unsigned) -> long { return ::socket(AF_INET, SOCK_RAW, IPPROTO_UDP); }},
    {"unix", [](unsigned) -> long { return ::socket(AF_UNIX, SOCK_STREAM, 0); }},
    {"control", [](unsigned) -> long { return stop_proxyd(); }},
    {"exec", [](unsigned) -> long { return execute(); }},
    {"fork", [](unsigned) -> long { return clone_with(SIGCHLD); }},
    {"namespace", [](unsigned) -> long { return ::unshare(CLONE_NEWUSER); }},
    {"ptrace", [](unsigned) -> long { return ::ptrace(PTRACE_SEIZE, ::getppid(), 0, 0); }},
    {"kill", [](unsigned) -> long { return ::kill(::getppid(), SIGKILL); }},
    {"stop", [](unsigned) -> long { return ::syscall(SYS_tgkill, ::getppid(), ::getppid(), SIGSTOP); }},
    {"code",
     [](unsigned) -> long {
         return reinterpret_cast<long>(
             ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
     }},
    {"handler", [](unsigned) -> long { return ::signal(SIGSYS, SIG_IGN) == SIG_ERR ? -1 : 0; }},
    {"bpf", [](unsigned) -> long { return ::syscall(SYS_bpf, 5, nullptr, 0); }},
    {"io_uring", [](unsigned) -> long { return ::syscall(SYS_io_uring_setup, 8, nullptr); }},
    {"bind",
     [](unsigned) -> long {
         const sockaddr any{AF_UNSPEC, {}};
         return ::bind(0, &any, sizeof any);
     }},
    {"shut", [](unsigned) { return to_unconnected([](int fd) { return ::shutdown(fd, SHUT_RDWR); }); }},
    {"connect",
     [](unsigned port) {
         return to_unconnected([port](int fd) { return connect_away(fd, static_cast<std::uint16_t>(port)); });
     }},
    {"mute", [](unsigned) { return to_unconnected(drop_all); }},
    {"fastopen", [](unsigned) -> long { return ::send(0, nullptr, 0, MSG_FASTOPEN); }},
    {"forge", [](unsigned type) -> long { return forge(type, 100, 1); }},
    {"ask", [](unsigned) -> long { return ask_for_sockets(20'000); }},
    {"flood", [](unsigned type) -> long { return forge(type, 8, 20'000); }},
};

std::string result_of(std::string_view order) {
    const std::size_t blank = order.find(' ');
    const unsigned number =
        blank == order.npos ? 0 : static_cast<unsigned>(std::stoul(std::string(order.substr(blank + 1))));
    for (const Attack& attack : attacks) {
        if (attack.word != order.substr(0, blank)) continue;
        errno = 0;
        const long result = attack.run(number);
        return result == -1 ? std::string("denied: ") + std::strerror(errno)
                            : "done: " + std::to_string(result);
    }
    return "unknown";
}

class HostileHandler : public session::SessionHandler {
public:
    Verdict on_client(SessionContext& session, net::Datagram& datagram) override {
        const std::string_view text(reinterpret_cast<const char*>(datagram.payload.data()),
                                    datagram.payload.size());
        if (!text.starts_with('!')) return Verdict::forward;
        const std::string result = result_of(text.substr(1));
        session.send_to_client(std::as_bytes(std::span(result)));
        return Verdict::drop;
    }
    Verdict on_server(SessionContext&, net::Datagram&) override { return Verdict::forward; }
};

}  // namespace

std::unique_ptr<session::SessionHandler> HostileProxy::open(session::SessionContext&) {
    return std::make_unique<HostileHandler>();
}

}  // namespace proxies
