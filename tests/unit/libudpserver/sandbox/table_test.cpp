#include <netinet/in.h>
#include <seccomp.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
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
            // Calls that the library is too old for have no number, but are in the table for newer ones.
            const bool is_new = name == "fchmodat2";
            CHECK((is_new || ::seccomp_syscall_resolve_name(name.c_str()) != __NR_SCMP_ERROR));
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
        CHECK(death_by(role, [] { ::sendmsg(-1, nullptr, MSG_FASTOPEN); }) == SIGSYS);
        CHECK(death_by(role, [] { ::sendmmsg(-1, nullptr, 0, MSG_FASTOPEN); }) == SIGSYS);
    }
}

TEST_CASE("a system call has a name, or is a number [Z-6]") {
    CHECK(name_of_call(__NR_read) == "read");
    CHECK(name_of_call(123456) == "123456");
    CHECK(name_of_call(-7) == "-7");
}
