#include "proxyd/selftest.hpp"

#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "conf/accounts.hpp"
#include "libudpserver/process/run_once.hpp"
#include "proxyd/confinement.hpp"
#include "proxyd/settings.hpp"
#include "resolvers/settings.hpp"

namespace proxyd {

namespace {

constexpr base::Duration time_for_attempt{10'000};
constexpr unsigned children = sandbox::reg | sandbox::acr | sandbox::apr | sandbox::log;
constexpr unsigned all = children | sandbox::parent;
constexpr const char* new_file = "/dev/shm/proxyd-selftest";

/// Something that the roles may not do. `succeeds` tries it; it must do no harm if it succeeds.
struct Attempt {
    unsigned roles;
    const char* what;
    bool (*succeeds)();
};

bool opens(const char* path, int flags) {
    const int fd = ::open(path, flags | O_CLOEXEC, 0600);
    if (fd >= 0 && (flags & O_CREAT) != 0) ::unlink(path);
    return fd >= 0;
}

bool makes_socket(int family, int type, int protocol = 0) {
    return ::socket(family, type | SOCK_CLOEXEC, protocol) >= 0;
}

bool loads_program() {
    constexpr char license[] = "GPL";
    const bpf_insn instructions[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K}, {.code = BPF_JMP | BPF_EXIT}};
    bpf_attr attributes{};
    attributes.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
    attributes.insns = reinterpret_cast<std::uint64_t>(instructions);
    attributes.insn_cnt = 2;
    attributes.license = reinterpret_cast<std::uint64_t>(license);
    return ::syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes) >= 0;
}

bool executes() {
    // A program that does nothing but succeed, so that its status tells that it ran.
    return ::execl("/bin/false", "false", nullptr) == 0;
}

bool forks() {
    const long pid = ::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) ::syscall(SYS_exit_group, 0);
    return pid >= 0;
}

bool reads_parent() {
    char byte = 0;
    const iovec here{&byte, 1}, there{&byte, 1};
    // EFAULT: the kernel would have read it.
    return ::process_vm_readv(::getppid(), &here, 1, &there, 1, 0) >= 0 || errno == EFAULT;
}

sockaddr_in local_port(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/// To a port of this machine that no name server should use. A refused connection was tried.
bool connects(int protocol) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, protocol);
    const sockaddr_in there = local_port(1);
    return fd >= 0 && (::connect(fd, reinterpret_cast<const sockaddr*>(&there), sizeof there) == 0 ||
                       errno == ECONNREFUSED);
}

bool connects_fast() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in there = local_port(1);
    return fd >= 0 && (::sendto(fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL,
                                reinterpret_cast<const sockaddr*>(&there), sizeof there) >= 0 ||
                       errno == ECONNREFUSED);
}

bool maps_code() {
    return ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
           MAP_FAILED;
}

constexpr Attempt attempts[] = {
    {children, "write a new file", [] { return opens(new_file, O_WRONLY | O_CREAT | O_EXCL); }},
    {children, "read a file", [] { return opens("/proc/version", O_RDONLY); }},
    {children, "execute a program", executes},
    {children, "start a process", forks},
    {children, "map executable memory", maps_code},
    {children, "send a signal to the parent", [] { return ::kill(::getppid(), 0) == 0; }},
    {children, "open a raw socket", [] { return makes_socket(AF_INET, SOCK_RAW, IPPROTO_UDP); }},
    {children, "open a netlink socket", [] { return makes_socket(AF_NETLINK, SOCK_RAW); }},
    {children & ~sandbox::log, "open a UNIX stream socket",
     [] { return makes_socket(AF_UNIX, SOCK_STREAM); }},
    {sandbox::reg | sandbox::log, "open a UDP socket", [] { return makes_socket(AF_INET, SOCK_DGRAM); }},
    {children, "connect to another port", [] { return connects(0); }},
    {children, "connect by MPTCP", [] { return connects(IPPROTO_MPTCP); }},
    {children, "connect by fast open", connects_fast},
    {children, "load a BPF program", loads_program},
    {children, "become root", [] { return ::syscall(SYS_setuid, 0) == 0; }},
    {all, "trace its parent", [] { return ::ptrace(PTRACE_SEIZE, ::getppid(), 0, 0) == 0; }},
    {all, "read its parent's memory", reads_parent},
    {all, "use io_uring", [] { return ::syscall(SYS_io_uring_setup, 1, nullptr) >= 0 || errno == EFAULT; }},
    {all, "make a user namespace", [] { return ::unshare(CLONE_NEWUSER) == 0; }},
    {all, "signal another program", [] { return ::kill(1, 0) == 0; }},
    {all, "mount", [] { return ::mount("none", "/proc/self", "tmpfs", 0, nullptr) == 0; }},
    {all, "use the kernel's keys", [] { return ::syscall(SYS_keyctl, 0, -3, 1) >= 0; }},
    {all, "make a device",
     [] { return ::mknod(new_file, S_IFCHR | 0600, 0x103) == 0 && ::unlink(new_file) == 0; }},
};

/// The real sandbox of the role; nobody has to be confined once more as the parent.
process::Role role_for(sandbox::Role role, Confinement& confinement, const conf::Config& config,
                       const Attempt& attempt) {
    process::Role made{
        .name = std::string(to_string(role)), .party = ipc::Party::reg, .speed = {}, .run = {}, .keep = {}};
    made.run = [&attempt](process::ChildRuntime&) { return attempt.succeeds() ? 1 : 0; };
    if (role == sandbox::parent) return made;
    if (role == sandbox::log) {
        // It has no link to the parent, so its sandbox is too narrow for one.
        made.run = [&confinement, &config, &attempt](process::ChildRuntime&) -> int {
            confinement.confine(sandbox::log, config);
            ::_exit(attempt.succeeds() ? 1 : 0);
        };
        return made;
    }
    made.confine = [&confinement, &config, role] {
        confinement.confine(role, config, resolvers::settings_for_lookups(config.resolver));
    };
    return made;
}

/// Prints the result. True if the attempt was denied.
bool try_attempt(sandbox::Role role, Confinement& confinement, const conf::Config& config,
                 const Attempt& attempt) {
    const std::optional<base::User> user = role == sandbox::parent ? std::nullopt : conf::user_of(config);
    process::Settings settings = process_settings(config, user);
    settings.foreground = true;
    const process::ExitStatus status =
        process::run_once(role_for(role, confinement, config, attempt), settings, time_for_attempt);
    const bool killed = WIFSIGNALED(status.wait_status) && WTERMSIG(status.wait_status) == SIGSYS;
    const std::string result = killed                 ? "killed by " + confinement.forbidden_call(role)
                               : status.is_finished() ? "denied"
                                                      : "NOT DENIED, " + to_string(status);
    std::printf("%-7s %-29s %s\n", std::string(to_string(role)).c_str(), attempt.what, result.c_str());
    std::fflush(stdout);
    return killed || status.is_finished();
}

}  // namespace

int selftest_sandbox(const conf::Config& config) {
    Confinement confinement(config);
    std::printf("sandbox: %s\n", confinement.level().c_str());
    std::fflush(stdout);
    bool all_denied = true;
    for (const sandbox::Role role : sandbox::all_roles) {
        for (const Attempt& attempt : attempts)
            if ((attempt.roles & role) != 0) all_denied &= try_attempt(role, confinement, config, attempt);
    }
    return all_denied ? 0 : 1;
}

}  // namespace proxyd
