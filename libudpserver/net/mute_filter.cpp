#include "libudpserver/net/mute_filter.hpp"

#include <linux/bpf.h>
#include <linux/filter.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace net {

namespace {

/// `return 0`: how many bytes of the datagram are kept.
constexpr std::array<bpf_insn, 2> keep_nothing{{
    {BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0},
    {BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
}};

int load_program() {
    bpf_attr attributes;
    std::memset(&attributes, 0, sizeof attributes);
    attributes.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
    attributes.insns = reinterpret_cast<std::uintptr_t>(keep_nothing.data());
    attributes.insn_cnt = keep_nothing.size();
    attributes.license = reinterpret_cast<std::uintptr_t>("BSD");
    return static_cast<int>(::syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes));
}

int attach_by_value(int socket) {
    sock_filter drop_all{BPF_RET | BPF_K, 0, 0, 0};
    const sock_fprog program{1, &drop_all};
    return ::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0 ? 0 : errno;
}

}  // namespace

MuteFilter::MuteFilter() : program_(load_program()) {}

int MuteFilter::mute(int socket) const {
    const int program = program_.get();
    if (program >= 0 && ::setsockopt(socket, SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof program) == 0) {
        return 0;
    }
    return attach_by_value(socket);
}

}  // namespace net
