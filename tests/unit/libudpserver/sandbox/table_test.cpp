#include <netinet/in.h>
#include <seccomp.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "libudpserver/sandbox/seccomp_filter.hpp"
#include "libudpserver/sandbox/table.hpp"

using namespace sandbox;

namespace {

std::vector<std::string> words_of(std::string_view text) {
    std::istringstream words{std::string(text)};
    return {std::istream_iterator<std::string>(words), {}};
}

std::set<std::string> calls_of(Role role, Action action) {
    std::set<std::string> all;
    for (const CallRow& row : call_rows())
        if ((row.roles & role) != 0 && row.action == action)
            for (const std::string& name : words_of(row.calls))
                all.insert(name);
    return all;
}

}  // namespace

TEST_CASE("every name in the table is a system call [Z-1]") {
    for (const CallRow& row : call_rows()) {
        CHECK_FALSE(row.purpose.empty());
        for (const std::string& name : words_of(row.calls)) {
            INFO(name);
            const int number = ::seccomp_syscall_resolve_name(name.c_str());
            CHECK(number != __NR_SCMP_ERROR);
#ifdef __x86_64__
            CHECK(number >= 0);  // other architectures lack the older ones
#endif
        }
    }
}

TEST_CASE("no child may start a program, a process or a trace, or use another way into the kernel [Z-1]") {
    for (const Role role : {reg, acr, apr, sandbox::log}) {
        const std::set<std::string> allowed = calls_of(role, Action::allow);
        for (const char* name : {"execve",         "execveat",
                                 "fork",           "vfork",
                                 "ptrace",         "process_vm_readv",
                                 "io_uring_setup", "bpf",
                                 "unshare",        "setns",
                                 "mount",          "keyctl",
                                 "setuid",         "seccomp",
                                 "bind",           "listen",
                                 "accept4",        "dup",
                                 "dup2",           "pidfd_open",
                                 "pidfd_getfd",    "pidfd_send_signal",
                                 "memfd_create",   "personality",
                                 "shutdown"}) {
            INFO(name);
            CHECK_FALSE(allowed.contains(name));
        }
    }
    for (const CallRow& row : call_rows())
        if ((row.roles & (reg | sandbox::log)) != 0 && row.need == always && row.action == Action::allow)
            for (const std::string& name : words_of(row.calls))
                CHECK((name != "openat" && name != "socket" && name != "open"));
}

TEST_CASE("of the children only LOG may write files and reach syslog [Z-4]") {
    for (const FileRow& row : file_rows())
        CHECK((row.access == Access::read || row.roles == sandbox::log));
    for (const CallRow& row : call_rows())
        if (row.need == syslog || row.need == status_file) CHECK(row.roles == sandbox::log);
    for (const char* name : {"openat", "socket", "connect", "recvmmsg", "epoll_ctl", "ioctl", "setsockopt"})
        for (const CallRow& row : call_rows())
            if ((row.roles & sandbox::log) != 0 && row.need == always)
                for (const std::string& call : words_of(row.calls))
                    CHECK(call != name);
}

TEST_CASE("the parent may do what the next release may need [Z-8]") {
    const std::set<std::string> denied = calls_of(parent, Action::deny);
    for (const char* name : {"execve", "bpf", "socket", "openat", "seccomp", "landlock_restrict_self",
                             "pidfd_open", "memfd_create", "kill", "setresuid", "prctl", "capset"})
        CHECK_FALSE(denied.contains(name));
    CHECK(denied.contains("ptrace"));
}

TEST_CASE("the filter of the parent tells its version, also after it was installed twice [Z-8]") {
    CHECK(inherited_parent_version() == 0);
    const pid_t pid = ::fork();
    if (pid == 0) {
        const bool done = install_filter(parent, always) && inherited_parent_version() == parent_version &&
                          install_filter(parent, always) && inherited_parent_version() == parent_version;
        ::_exit(done ? 0 : 1);
    }
    int status = -1;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    CHECK(status == 0);
}

namespace {

/// The signal that kills a child of this role for the call; 0 if it may make it.
int death_by(Role role, void (*call)()) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        std::signal(SIGSYS, SIG_DFL);
        if (install_filter(role, always)) call();
        ::_exit(0);
    }
    int status = -1;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

constexpr int killed = -1;

/// The error of the call with zeros for its arguments in a child of this role; 0: none.
int error_of(Role role, long call, bool is_strict = false) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        std::signal(SIGSYS, SIG_DFL);
        if (is_strict) ::setenv("PROXYD_STRICT_SANDBOX", "1", 1);
        const bool done = install_filter(role, always) && ::syscall(call, 0, 0, 0, 0, 0, 0) >= 0;
        ::_exit(done ? 0 : errno);
    }
    int status = -1;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS ? killed : WEXITSTATUS(status);
}

template <int type, int protocol>
void open_socket() {
    ::socket(AF_INET, type | SOCK_CLOEXEC, protocol);
}

}  // namespace

TEST_CASE("no child has a way past the rules for TCP [Z-5]") {
    for (const Role role : {acr, apr}) {
        CHECK(death_by(role, open_socket<SOCK_STREAM, 0>) == 0);
        CHECK(death_by(role, open_socket<SOCK_STREAM, IPPROTO_TCP>) == 0);
        CHECK(death_by(role, open_socket<SOCK_DGRAM, IPPROTO_UDP>) == 0);
        CHECK(death_by(role, open_socket<SOCK_STREAM, IPPROTO_MPTCP>) == SIGSYS);
        CHECK(death_by(role, open_socket<SOCK_STREAM, IPPROTO_SCTP>) == SIGSYS);
    }
    for (const Role role : {reg, acr, apr}) {
        CHECK(death_by(role, [] { ::send(-1, "", 0, MSG_DONTWAIT | MSG_NOSIGNAL); }) == 0);
        CHECK(death_by(role, [] { ::send(-1, "", 0, MSG_FASTOPEN); }) == SIGSYS);
        const int death = role == reg ? 0 : SIGSYS;  // it has no TCP socket
        CHECK(death_by(role, [] { ::sendmsg(-1, nullptr, MSG_FASTOPEN); }) == death);
        CHECK(death_by(role, [] { ::sendmmsg(-1, nullptr, 0, MSG_FASTOPEN); }) == death);
    }
}

// glibc 2.33 to 2.42 began to use these, or may use them.
TEST_CASE("no call that a newer C library tries kills a child [Z-12]") {
    ::unsetenv("PROXYD_STRICT_SANDBOX");
    constexpr long cachestat = 451, fchmodat2 = 452, map_shadow_stack = 453, futex_wait = 455, mseal = 462;
    constexpr long future = 511;
    for (const Role role : {reg, acr, apr, sandbox::log}) {
        INFO(to_string(role));
        for (const long call :
             {long(__NR_clone3), long(__NR_openat2), long(__NR_faccessat2), long(__NR_statx),
              long(__NR_prlimit64), cachestat, fchmodat2, map_shadow_stack, futex_wait, mseal, future}) {
            INFO(call);
            CHECK(error_of(role, call) == ENOSYS);
        }
        CHECK(error_of(role, __NR_getrandom) == 0);
        CHECK(error_of(role, __NR_clock_nanosleep) == EFAULT);
        for (const int call : {__NR_rseq, __NR_futex_waitv}) {
            INFO(call);
            CHECK(error_of(role, call) == EINVAL);
        }
    }
}

TEST_CASE("what only an attacker needs kills a child [Z-6]") {
    ::unsetenv("PROXYD_STRICT_SANDBOX");
    for (const CallRow& row : call_rows())
        if (row.action == Action::kill || row.action == Action::deny)
            for (const std::string& name : words_of(row.calls)) {
                const int number = ::seccomp_syscall_resolve_name(name.c_str());
                INFO(name);
                if (number >= 0 && name != "clone") CHECK(error_of(reg, number) == killed);
            }
    CHECK(error_of(reg, __NR_socket) == killed);  // of other roles
    CHECK(error_of(acr, 1'000'000) == killed);    // of no kernel
}

TEST_CASE("tests find a call that the table does not have [Z-7]") {
    CHECK(error_of(reg, __NR_prlimit64, true) == killed);
    CHECK(error_of(reg, __NR_openat2, true) == ENOSYS);
}

TEST_CASE("a system call has a name, or is a number [Z-6]") {
    CHECK(name_of_call(__NR_read) == "read");
    CHECK(name_of_call(123456) == "123456");
    CHECK(name_of_call(-7) == "-7");
}
