#include "libudpserver/net/steering.hpp"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "base/siphash.hpp"

namespace net {

namespace {

// h = (h ^ word) * multiplier; h ^= h >> shift, for each word of the address and for the port: once as C++,
// once as a BPF program.
constexpr std::uint32_t multiplier = 0x9e37'79b1;
constexpr std::uint32_t shift = 15;

std::uint32_t mix(std::uint32_t hash, std::uint32_t word) {
    hash = (hash ^ word) * multiplier;
    return hash ^ hash >> shift;
}

/// Offsets into the IP header, whatever lies before it.
constexpr std::uint32_t ip(unsigned offset) {
    return static_cast<std::uint32_t>(SKF_NET_OFF) + offset;
}

/// Classic BPF: an accumulator A, an index X and memory; the hash lives in M[0].
class Program {
public:
    explicit Program(std::uint32_t seed) {
        add(BPF_LD | BPF_IMM, seed);
        add(BPF_ST, 0);
    }

    void add(unsigned code, std::uint32_t k) { code_.push_back({static_cast<std::uint16_t>(code), 0, 0, k}); }
    void skip_unless(std::uint32_t value, std::uint8_t instructions) {
        code_.push_back({BPF_JMP | BPF_JEQ | BPF_K, 0, instructions, value});
    }

    /// The word in A into the hash.
    void mix_in() {
        add(BPF_LDX | BPF_MEM, 0);
        add(BPF_ALU | BPF_XOR | BPF_X, 0);
        add(BPF_ALU | BPF_MUL | BPF_K, multiplier);
        add(BPF_ST, 0);
        add(BPF_LDX | BPF_MEM, 0);
        add(BPF_ALU | BPF_RSH | BPF_K, shift);
        add(BPF_ALU | BPF_XOR | BPF_X, 0);
        add(BPF_ST, 0);
    }

    void answer(unsigned workers) {
        add(BPF_LD | BPF_MEM, 0);
        add(BPF_ALU | BPF_MOD | BPF_K, workers);
        add(BPF_RET | BPF_A, 0);
    }

    int attach(int socket) {
        const sock_fprog program{static_cast<unsigned short>(code_.size()), code_.data()};
        return ::setsockopt(socket, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) == 0
                   ? 0
                   : errno;
    }

private:
    std::vector<sock_filter> code_;
};

void read_v4(Program& program) {
    program.add(BPF_LD | BPF_W | BPF_ABS, ip(12));  // the source address
    program.mix_in();
    program.add(BPF_LD | BPF_B | BPF_ABS, ip(0));  // the length of the header, options included
    program.add(BPF_ALU | BPF_AND | BPF_K, 0xf);
    program.add(BPF_ALU | BPF_LSH | BPF_K, 2);
    program.add(BPF_MISC | BPF_TAX, 0);
    program.add(BPF_LD | BPF_H | BPF_IND, ip(0));  // the source port
    program.mix_in();
}

void read_v6(Program& program) {
    for (unsigned word = 0; word < 4; ++word) {
        program.add(BPF_LD | BPF_W | BPF_ABS, ip(8 + 4 * word));
        program.mix_in();
    }
    program.add(BPF_LD | BPF_B | BPF_ABS, ip(6));
    program.skip_unless(IPPROTO_UDP, 1);
    program.add(BPF_LD | BPF_H | BPF_ABS, ip(40));  // otherwise any value: the workers hand over
    program.mix_in();
}

}  // namespace

Steering Steering::random() {
    return Steering(static_cast<std::uint32_t>(base::random_key().low));
}

unsigned Steering::worker_of(const base::Endpoint& client, unsigned workers) const {
    std::uint32_t hash = seed_;
    const std::size_t words = client.family == base::Family::v6 ? 4 : 1;
    for (std::size_t i = 0; i < words; ++i) {
        std::uint32_t word = 0;
        std::memcpy(&word, &client.bytes[4 * i], sizeof word);
        hash = mix(hash, ntohl(word));
    }
    return mix(hash, client.port) % workers;
}

int Steering::attach(int socket, base::Family family, unsigned workers) const {
    Program program(seed_);
    family == base::Family::v6 ? read_v6(program) : read_v4(program);
    program.answer(workers);
    return program.attach(socket);
}

}  // namespace net
