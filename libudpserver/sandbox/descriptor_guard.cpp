#include "libudpserver/sandbox/descriptor_guard.hpp"

#include <fcntl.h>
#include <seccomp.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "base/fatal.hpp"

namespace sandbox {

namespace {

using Filter = std::unique_ptr<void, decltype(&::seccomp_release)>;

void check_step(int result) {
    if (result < 0)
        throw base::Fatal("sandbox: filter of raw sockets: " + std::string(std::strerror(-result)));
}

void add_refusal(void* filter, int call, std::vector<scmp_arg_cmp> tests) {
    check_step(::seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), call,
                                        static_cast<unsigned>(tests.size()), tests.data()));
}

/// The kernel uses the lower half of a descriptor's argument.
scmp_arg_cmp is(unsigned argument, int value) {
    return SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, 0xffff'ffff, static_cast<std::uint32_t>(value));
}

void refuse_changes(void* filter, int socket) {
    for (const int call : {SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(setsockopt), SCMP_SYS(dup),
                           SCMP_SYS(dup2), SCMP_SYS(dup3)})
        add_refusal(filter, call, {is(0, socket)});
    // A copy would be another number.
    for (const int command : {F_DUPFD, F_DUPFD_CLOEXEC})
        add_refusal(filter, SCMP_SYS(fcntl), {is(0, socket), is(1, command)});
}

}  // namespace

void guard(const GuardedSockets& sockets) {
    if (sockets.empty()) return;
    const Filter filter(::seccomp_init(SCMP_ACT_ALLOW), &::seccomp_release);
    if (!filter) throw base::Fatal("sandbox: no memory for the filter");
    check_step(::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2));
    for (const int socket : sockets.senders)
        refuse_changes(filter.get(), socket);
    for (const int socket : sockets.receivers) {
        refuse_changes(filter.get(), socket);
        for (const int call :
             {SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(sendmmsg), SCMP_SYS(write), SCMP_SYS(writev)})
            add_refusal(filter.get(), call, {is(0, socket)});
    }
    check_step(::seccomp_load(filter.get()));
}

}  // namespace sandbox
