#include "libudpserver/sandbox/table.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <csignal>

namespace sandbox {
namespace {

constexpr unsigned resolving = acr | apr;
/// The children with a link to the parent.
constexpr unsigned linked = reg | resolving;
constexpr unsigned children = linked | log;

constexpr Condition one_of(unsigned argument, std::string_view text,
                           std::initializer_list<std::uint64_t> values,
                           std::uint64_t mask = Condition::whole) {
    Condition condition{argument, text, mask};
    for (const std::uint64_t value : values)
        condition.values[condition.count++] = value;
    return condition;
}

constexpr Condition no_bits(unsigned argument, std::string_view text, std::uint64_t bits) {
    return one_of(argument, text, {0}, bits);
}

constexpr Condition own_process(unsigned argument) {
    return {.argument = argument, .text = "the process itself", .own_process = true};
}

/// The handler of SIGSYS stays: it tells the parent which call was forbidden.
constexpr Condition no_sigsys() {
    Condition condition = one_of(0, "not SIGSYS", {32, 33, 34, 35});
    condition.below = SIGSYS;
    return condition;
}

constexpr Condition opened_for(int access, std::string_view text) {
    return one_of(2, text, {static_cast<std::uint64_t>(access)}, O_ACCMODE);
}

/// TCP with MSG_FASTOPEN connects, and Landlock does not see it.
constexpr Condition no_fast_open(unsigned argument) {
    return no_bits(argument, "not MSG_FASTOPEN", MSG_FASTOPEN);
}

constexpr Condition socket_type(std::string_view text, std::initializer_list<std::uint64_t> types) {
    return one_of(1, text, types, 0xf);
}

using enum Action;

// Raw sockets of the server side have rules of their own besides: descriptor_guard.hpp.
constexpr CallRow calls[] = {
    {allow, children, always, "read write writev recvfrom recvmsg close",
     "datagrams, links and the log, over descriptors that are open"},
    {allow, linked, always, "readv recvmmsg lseek", "datagrams and links"},
    {allow, children, always, "sendto", "datagrams, links and the log", no_fast_open(3)},
    // The kernel need not run the filter for a call without a condition, and REG has no TCP socket.
    {allow, reg, always, "sendmmsg sendmsg", "datagrams and links"},
    {allow, resolving, always, "sendmmsg", "datagrams", no_fast_open(3)},
    {allow, resolving, always, "sendmsg", "datagrams and links", no_fast_open(2)},
    {allow, children, always, "poll ppoll", "waiting"},
    {allow, linked, always,
     "epoll_create1 epoll_ctl epoll_wait epoll_pwait eventfd2 timerfd_create timerfd_settime",
     "the event loops"},
    {allow, linked, always, "getsockname getpeername getsockopt", "the state of sockets"},
    {allow, children, always, "brk munmap mremap madvise", "memory"},
    {allow, children, always, "mmap mprotect", "memory", no_bits(2, "not executable", PROT_EXEC)},
    {allow, children, always,
     "futex futex_waitv set_robust_list rseq membarrier sched_yield sched_getaffinity getcpu exit exit_group",
     "threads"},
    {allow, children, always, "clone", "threads", one_of(0, "a thread", {CLONE_THREAD}, CLONE_THREAD)},
    {refuse, children | parent, always, "clone3", "its flags cannot be tested"},
    {refuse, children, always, "statx faccessat2 openat2", "newer forms of other calls"},
    {allow, children, always,
     "clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time restart_syscall getrandom",
     "time"},
    {allow, children, always, "rt_sigprocmask rt_sigreturn sigaltstack rt_sigtimedwait", "signals"},
    {allow, children, always, "rt_sigaction", "signals", no_sigsys()},
    {allow, children, always, "kill tgkill rt_sigqueueinfo", "its own end", own_process(0)},
    {allow, children, always, "getpid gettid getppid getuid geteuid getgid getegid", "its own numbers"},
    {allow, children, always, "prctl", "names of threads, death with the parent",
     one_of(0, "PR_SET_NAME, PR_SET_PDEATHSIG", {PR_SET_NAME, PR_SET_PDEATHSIG})},
    {allow, linked, always, "fcntl", "descriptors",
     one_of(1, "copy, flags", {F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL})},
    {allow, linked, always, "ioctl", "descriptors",
     one_of(1, "FIONBIO, FIONREAD, SIOCGIFNAME, SIOCGIFINDEX",
            {FIONBIO, FIONREAD, SIOCGIFNAME, SIOCGIFINDEX})},
    {allow, children, always, "newfstatat", "the type of an open file",
     one_of(3, "by descriptor", {AT_EMPTY_PATH})},
    {allow, children, always, "fstat", "the type of an open file"},

    {allow, reg, always, "ioctl", "the age of datagrams", one_of(1, "SIOCGSTAMPNS", {SIOCGSTAMPNS})},
    {allow, reg, always, "connect", "sessions, over sockets that the parent opened"},
    {allow, reg, always, "setsockopt", "filters of idle sockets", one_of(1, "SOL_SOCKET", {SOL_SOCKET}),
     one_of(2, "filter", {SO_ATTACH_FILTER, SO_DETACH_FILTER, SO_ATTACH_BPF})},

    {allow, resolving, always, "socket", "name servers", one_of(0, "IPv4, IPv6", {AF_INET, AF_INET6}),
     socket_type("datagrams, streams", {SOCK_DGRAM, SOCK_STREAM}),
     one_of(2, "UDP, TCP, not MPTCP", {0, IPPROTO_UDP, IPPROTO_TCP})},
    {allow, resolving, always, "connect", "name servers; TCP to their ports only, by Landlock"},
    {allow, resolving, always, "setsockopt", "name servers", one_of(1, "TCP", {IPPROTO_TCP}),
     one_of(2, "TCP_NODELAY", {TCP_NODELAY})},
    {allow, resolving, always, "openat", "the hosts file and /dev/urandom", opened_for(O_RDONLY, "to read")},
    {allow, resolving, always, "newfstatat", "the hosts file"},

    {allow, log, syslog, "socket", "syslog", one_of(0, "UNIX", {AF_UNIX}),
     socket_type("datagrams, streams", {SOCK_DGRAM, SOCK_STREAM})},
    {allow, log, syslog, "connect", "syslog"},
    {allow, log, status_file, "openat", "the status file", opened_for(O_WRONLY, "to write")},
    {allow, log, status_file, "unlink unlinkat rename renameat renameat2", "the status file"},

    {allow, reg, private_names, "openat", "the hosts file, which may allow a private address",
     opened_for(O_RDONLY, "to read")},
    {allow, reg, private_names, "newfstatat", "the hosts file"},
    {allow, reg, time_zone, "openat", "the time zone", opened_for(O_RDONLY, "to read")},
    {allow, reg, time_zone, "newfstatat", "the time zone"},

    {kill, children, always,
     "execve execveat fork vfork bpf seccomp pkey_mprotect remap_file_pages memfd_create memfd_secret "
     "open creat link linkat symlink symlinkat mkdir mkdirat rmdir truncate chmod fchmod fchmodat chown "
     "fchown "
     "lchown fchownat utimensat",
     "programs, code and files"},
    {kill, children, always,
     "bind listen accept accept4 shutdown socketpair tkill rt_tgsigqueueinfo pidfd_open pidfd_send_signal "
     "setuid setgid setreuid setregid setresuid setresgid setgroups setfsuid setfsgid capset",
     "other programs and rights"},

    {deny, parent, always,
     "ptrace process_vm_readv process_vm_writev process_madvise kcmp pidfd_getfd perf_event_open",
     "memory of other processes"},
    {deny, parent, always, "io_uring_setup io_uring_enter io_uring_register userfaultfd",
     "calls past the filter"},
    {deny, parent, always, "add_key request_key keyctl", "keys of the kernel"},
    {deny, parent, always,
     "mount umount2 pivot_root chroot fsopen fsconfig fsmount fspick move_mount open_tree mount_setattr "
     "swapon swapoff quotactl acct mknod mknodat name_to_handle_at open_by_handle_at fanotify_init",
     "file systems and devices"},
    {deny, parent, always, "unshare setns", "namespaces"},
    {deny, parent, always, "clone", "namespaces",
     one_of(0, "new user or network", {CLONE_NEWUSER}, CLONE_NEWUSER)},
    {deny, parent, always, "clone", "namespaces", one_of(0, "new network", {CLONE_NEWNET}, CLONE_NEWNET)},
    {deny, parent, always, "clone", "namespaces", one_of(0, "new mounts", {CLONE_NEWNS}, CLONE_NEWNS)},
    {deny, parent, always, "init_module finit_module delete_module kexec_load kexec_file_load reboot",
     "the kernel itself"},
    {deny, parent, always,
     "settimeofday clock_settime clock_adjtime adjtimex sethostname setdomainname personality vhangup "
     "iopl ioperm modify_ldt",
     "settings of the machine"},
};

constexpr FileRow files[] = {
    {log, status_file, Place::status_folder, Access::replace, "the status file"},
    {resolving, always, Place::hosts_folder, Access::read, "the hosts file, which editors replace"},
    {reg, private_names, Place::hosts_folder, Access::read, "the hosts file"},
    {reg, time_zone, Place::local_time, Access::read, "the time zone"},
    {reg, time_zone, Place::time_zones, Access::read, "the time zone"},
    {resolving, always, Place::random, Access::read, "c-ares"},
};

constexpr CapabilityRow capabilities[] = {
    {CAP_NET_BIND_SERVICE, "CAP_NET_BIND_SERVICE", "ports below 1024"},
    {CAP_NET_ADMIN, "CAP_NET_ADMIN", "buffers larger than rmem_max, transparent sockets"},
    {CAP_NET_RAW, "CAP_NET_RAW", "transparent sockets"},
    {CAP_BPF, "CAP_BPF", "the filter of idle sockets"},
    {CAP_SETUID, "CAP_SETUID", "the user of the children"},
    {CAP_SETGID, "CAP_SETGID", "their groups"},
    {CAP_SETPCAP, "CAP_SETPCAP", "their bounding set"},
    {CAP_KILL, "CAP_KILL", "signals to children, which have another user"},
    {CAP_CHOWN, "CAP_CHOWN", "the owner of the log, the group of the control socket"},
    {CAP_FOWNER, "CAP_FOWNER", "the mode of the control socket"},
    {CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE", "files in folders of other users"},
    {CAP_SYS_PTRACE, "CAP_SYS_PTRACE", "the numbers of its children in /proc"},
};

}  // namespace

std::span<const CallRow> call_rows() {
    return calls;
}
std::span<const FileRow> file_rows() {
    return files;
}
std::span<const CapabilityRow> capability_rows() {
    return capabilities;
}

std::string_view to_string(Role role) {
    switch (role) {
        case parent:
            return "parent";
        case reg:
            return "REG";
        case acr:
            return "ACR";
        case apr:
            return "APR";
        case log:
            return "LOG";
    }
    return "";
}

std::string_view to_string(Place place) {
    constexpr std::string_view names[] = {"the folder of status-file", "the folder of resolver.hosts-file",
                                          "/dev/urandom", "the folder of /etc/localtime",
                                          "/usr/share/zoneinfo"};
    return names[static_cast<std::size_t>(place)];
}

std::string_view to_string(Access access) {
    constexpr std::string_view names[] = {"read", "create, write and remove"};
    return names[static_cast<std::size_t>(access)];
}

}  // namespace sandbox
