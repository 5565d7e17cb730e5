#include "libudpserver/net/shared_side.hpp"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <system_error>

#include <steer.skel.h>  // generated
#include "libudpserver/net/mute_filter.hpp"
#include "libudpserver/net/port_holder.hpp"
#include "libudpserver/net/udp_socket.hpp"

namespace net {

namespace {

constexpr const char* subject = "server-side: shared";
/// All sessions of a worker share them, so they hold more than those of a single session.
constexpr std::uint64_t receiver_bytes = 8u << 20, sender_bytes = 32u << 20;

[[noreturn]] void fail(const std::string& step, int error) {
    throw SocketError(subject, step, error);
}

void check(int result, const std::string& step) {
    if (result < 0) fail(step, -result);
}

int quiet(libbpf_print_level, const char*, va_list) {
    return 0;
}

/// A raw socket receives a copy of each UDP datagram of the machine, unless it is bound to an address that
/// nobody sends to.
base::Address deaf_address(base::Family family) {
    return *base::parse_address(family == base::Family::v4 ? "127.255.255.254" : "::1");
}

base::UniqueFd make_socket(base::Family family, int type, int protocol, const char* step) {
    const int domain = family == base::Family::v4 ? AF_INET : AF_INET6;
    base::UniqueFd fd(::socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
    if (!fd) fail(step, errno);
    return fd;
}

/// REG cannot make it receive anything.
void deafen(int fd, base::Family family) {
    const MuteFilter filter{base::UniqueFd()};
    if (const int error = filter.mute(fd); error != 0) fail("SO_ATTACH_FILTER", error);
    set_option(fd, SOL_SOCKET, SO_LOCK_FILTER, 1, subject, "SO_LOCK_FILTER");
    bind_socket(fd, {deaf_address(family), 0}, subject);
}

/// Where strangers' datagrams end. The kernel takes it for the socket of an ICMP message about any port, too,
/// and must not believe its path MTU.
base::UniqueFd make_sink(base::Family family) {
    base::UniqueFd fd = make_socket(family, SOCK_DGRAM, IPPROTO_UDP, "socket");
    deafen(fd.get(), family);
    if (family == base::Family::v4) {
        set_option(fd.get(), IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT, subject, "IP_MTU_DISCOVER");
    } else {
        set_option(fd.get(), IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT, subject,
                   "IPV6_MTU_DISCOVER");
    }
    return fd;
}

/// The socket also has a port of its own, to which any program of this machine could send past the program.
void drop_own_port(int fd) {
    constexpr std::uint32_t destination = 2, everything = 0xffff'ffff;
    sock_filter code[] = {BPF_STMT(BPF_LD | BPF_H | BPF_ABS, destination),
                          BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, local_endpoint(fd).port, 0, 1),
                          BPF_STMT(BPF_RET | BPF_K, 0), BPF_STMT(BPF_RET | BPF_K, everything)};
    const sock_fprog filter{std::size(code), code};
    if (::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0)
        fail("SO_ATTACH_FILTER", errno);
    set_option(fd, SOL_SOCKET, SO_LOCK_FILTER, 1, subject, "SO_LOCK_FILTER");
}

base::UniqueFd make_receiver(base::Family family) {
    base::UniqueFd fd = make_socket(family, SOCK_DGRAM, IPPROTO_UDP, "socket");
    set_buffer(fd.get(), SO_RCVBUFFORCE, SO_RCVBUF, receiver_bytes, subject);
    if (family == base::Family::v4) {
        set_option(fd.get(), IPPROTO_IP, IP_RECVTOS, 1, subject, "IP_RECVTOS");
        set_option(fd.get(), IPPROTO_IP, IP_RECVORIGDSTADDR, 1, subject, "IP_RECVORIGDSTADDR");
    } else {
        set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1, subject, "IPV6_V6ONLY");
        set_option(fd.get(), IPPROTO_IPV6, IPV6_RECVTCLASS, 1, subject, "IPV6_RECVTCLASS");
        set_option(fd.get(), IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, 1, subject, "IPV6_RECVORIGDSTADDR");
    }
    bind_socket(fd.get(), {deaf_address(family), 0}, subject);
    drop_own_port(fd.get());
    return fd;
}

base::UniqueFd make_sender(base::Family family) {
    base::UniqueFd fd = make_socket(family, SOCK_RAW, IPPROTO_UDP, "raw socket");
    deafen(fd.get(), family);
    set_buffer(fd.get(), SO_SNDBUFFORCE, SO_SNDBUF, sender_bytes, subject);
    set_option(fd.get(), SOL_SOCKET, SO_BROADCAST, 1, subject, "SO_BROADCAST");
    if (family == base::Family::v4) {
        set_option(fd.get(), IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT, subject, "IP_MTU_DISCOVER");
    } else {
        constexpr int checksum_offset = 6;
        set_option(fd.get(), IPPROTO_IPV6, IPV6_CHECKSUM, checksum_offset, subject, "IPV6_CHECKSUM");
        set_option(fd.get(), IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT, subject,
                   "IPV6_MTU_DISCOVER");
    }
    return fd;
}

/// Only messages that quote a datagram pass the filter of types: REG must see all that the kernel does.
base::UniqueFd make_icmp(base::Family family) {
    const bool is_v4 = family == base::Family::v4;
    base::UniqueFd fd =
        make_socket(family, SOCK_RAW, is_v4 ? static_cast<int>(IPPROTO_ICMP) : IPPROTO_ICMPV6, "ICMP socket");
    int result;
    if (is_v4) {
        const icmp_filter filter{~(1u << ICMP_SOURCE_QUENCH | 1u << ICMP_REDIRECT | 1u << ICMP_DEST_UNREACH |
                                   1u << ICMP_TIME_EXCEEDED | 1u << ICMP_PARAMETERPROB)};
        result = ::setsockopt(fd.get(), SOL_RAW, ICMP_FILTER, &filter, sizeof filter);
    } else {
        icmp6_filter filter;
        ICMP6_FILTER_SETBLOCKALL(&filter);
        for (const int type :
             {ICMP6_DST_UNREACH, ICMP6_PACKET_TOO_BIG, ICMP6_TIME_EXCEEDED, ICMP6_PARAM_PROB})
            ICMP6_FILTER_SETPASS(type, &filter);
        result = ::setsockopt(fd.get(), IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter);
    }
    if (result != 0) fail("ICMP filter", errno);
    set_buffer(fd.get(), SO_RCVBUFFORCE, SO_RCVBUF, receiver_bytes, subject);
    return fd;
}

/// libbpf closes its own.
base::UniqueFd copy_of(const bpf_map* map) {
    base::UniqueFd copy(::fcntl(::bpf_map__fd(map), F_DUPFD_CLOEXEC, 0));
    if (!copy) fail("bpf", errno);
    return copy;
}

/// There is no map without any: a policy that accepts nobody needs no source.
__u32 places(std::size_t count) {
    return static_cast<__u32>(std::max<std::size_t>(count, 1));
}

/// A rule's source-address must be the machine's when the proxy starts.
void check_source(const base::Address& source) {
    if (source.is_any()) return;
    const std::string name = base::to_string(source);
    bind_socket(make_udp_socket(source.family, name).get(), {source, 0}, name);
}

base::UniqueFd own_network() {
    base::UniqueFd network(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!network) fail("/proc/self/ns/net", errno);
    return network;
}

bool is_network_steered() {
    __u32 programs = 0;
    return ::bpf_prog_query(own_network().get(), BPF_SK_LOOKUP, 0, nullptr, nullptr, &programs) == 0 &&
           programs > 0;
}

/// Another program, for example of another proxyd, takes what is sent to the port: a port without a socket
/// would refuse it.
bool is_taken(std::uint16_t port) {
    const base::UniqueFd probe = make_udp_socket(base::Family::v4, subject);
    if (connect_socket(probe.get(), {*base::parse_address("127.0.0.1"), port}) != 0) return false;
    char byte = 0;
    static_cast<void>(::send(probe.get(), &byte, 0, MSG_DONTWAIT | MSG_NOSIGNAL));
    return ::recv(probe.get(), &byte, sizeof byte, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/// The first program that is attached gets the datagrams.
void check_untaken(std::uint16_t port) {
    if (is_taken(port))
        throw std::runtime_error(std::string(subject) + ": another program (sk_lookup) takes UDP port " +
                                 std::to_string(port) +
                                 ": give each proxy server-ports of its own, and stop what was left over");
}

steer_address key_of(const base::Address& address) {
    steer_address key{};
    std::memcpy(key.address, address.bytes.data(), sizeof key.address);
    key.family = address.family == base::Family::v4 ? AF_INET : AF_INET6;
    return key;
}

/// Without IPv6 in the kernel only IPv4 is served.
bool has(base::Family family) {
    if (family == base::Family::v4) return true;
    const base::UniqueFd probe(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    return probe && try_bind(probe.get(), {deaf_address(family), 0}) == 0;
}

}  // namespace

SharedSide::SharedSide(const std::vector<PoolGroup>& groups, const conf::PortRange& ports,
                       const SourcePorts& usable, unsigned workers)
    : plan_(groups, ports), usable_((plan_.size() + 63) / 64) {
    // The program would take their datagrams.
    const std::bitset<65536> used = used_ports();
    const bool is_steered = is_network_steered();
    for (const PortPlan::Range& range : plan_.ranges()) {
        check_source(range.source);
        for (const std::uint16_t port : usable.of({range.source.family, range.source, range.ports})) {
            if (used.test(port)) continue;
            if (is_steered) check_untaken(port);
            const std::size_t index = range.first + port - range.ports.first;
            usable_[index / 64] |= std::uint64_t{1} << index % 64;
        }
    }
    load();
    set_workers(workers);
}

SharedSide::SharedSide(const std::vector<PoolGroup>& groups, const conf::PortRange& ports,
                       const std::vector<int>& descriptors)
    : plan_(groups, ports), usable_((plan_.size() + 63) / 64) {
    std::size_t next = 0;
    for (base::UniqueFd* const one :
         {&maps_.sockets, &maps_.addresses, &maps_.usable, &maps_.ports, &maps_.counts, &v4_.sink, &v4_.raw,
          &v4_.icmp, &v6_.sink, &v6_.raw, &v6_.icmp, &link_})
        *one = base::UniqueFd(descriptors.at(next++));
    for (; next + 1 < descriptors.size(); next += 2)
        receivers_.push_back({base::UniqueFd(descriptors[next]), base::UniqueFd(descriptors[next + 1])});
    for (std::size_t i = 0; i < usable_.size(); ++i) {
        const auto word = static_cast<__u32>(i);
        check(::bpf_map_lookup_elem(maps_.usable.get(), &word, &usable_[i]), "bpf");
    }
    list_for_reg();
}

std::vector<int> SharedSide::descriptors() const {
    std::vector<int> all{maps_.sockets.get(), maps_.addresses.get(), maps_.usable.get(), maps_.ports.get(),
                         maps_.counts.get(),  v4_.sink.get(),        v4_.raw.get(),      v4_.icmp.get(),
                         v6_.sink.get(),      v6_.raw.get(),         v6_.icmp.get(),     link_.get()};
    for (const Receivers& worker : receivers_)
        all.insert(all.end(), {worker.v4.get(), worker.v6.get()});
    return all;
}

std::size_t SharedSide::usable_of(std::size_t group) const {
    std::size_t count = 0;
    for (std::uint32_t i = 0; i < plan_.size(); ++i) {
        const SocketIndex source{i};
        if (plan_.range_of(source)->group == group && is_usable(source)) ++count;
    }
    return count;
}

bool SharedSide::is_usable(SocketIndex source) const {
    return (usable_[index_of(source) / 64] >> index_of(source) % 64 & 1) != 0;
}

/// The skeleton's descriptors end here; the program ends with its link.
void SharedSide::load() {
    ::libbpf_set_print(quiet);
    const std::unique_ptr<steer, decltype(&steer::destroy)> skeleton(steer::open(), &steer::destroy);
    if (skeleton == nullptr) fail("bpf", errno);
    const auto& maps = skeleton->maps;
    check(::bpf_map__set_max_entries(maps.ports, places(plan_.size())), "bpf");
    check(::bpf_map__set_max_entries(maps.usable, places(usable_.size())), "bpf");
    if (const int error = steer::load(skeleton.get()); error != 0)
        throw SocketError(subject, "bpf", -error,
                          "; it needs CAP_BPF and CAP_NET_ADMIN, and Linux 5.9 or later");
    maps_ = {copy_of(maps.sockets), copy_of(maps.addresses), copy_of(maps.usable), copy_of(maps.ports),
             copy_of(maps.counts)};
    for (std::size_t i = 0; i < usable_.size(); ++i) {
        const auto word = static_cast<__u32>(i);
        check(::bpf_map_update_elem(maps_.usable.get(), &word, &usable_[i], BPF_ANY), "bpf");
    }
    open_sockets(v4_, base::Family::v4);
    if (has(base::Family::v6)) open_sockets(v6_, base::Family::v6);
    attach(::bpf_program__fd(skeleton->progs.steer));
}

void SharedSide::attach(int program) {
    link_ = base::UniqueFd(::bpf_link_create(program, own_network().get(), BPF_SK_LOOKUP, nullptr));
    if (!link_) fail("attaching the program", errno);
}

void SharedSide::put(unsigned place, int socket) {
    const auto value = static_cast<__u64>(socket);
    check(::bpf_map_update_elem(maps_.sockets.get(), &place, &value, BPF_ANY), "sockets of the program");
}

void SharedSide::open_sockets(Family& sockets, base::Family family) {
    sockets.sink = make_sink(family);
    put(STEER_SINKS + (family == base::Family::v4 ? 0u : 1u), sockets.sink.get());
    sockets.raw = make_sender(family);
    sockets.icmp = make_icmp(family);
}

void SharedSide::set_workers(unsigned workers) {
    for (auto worker = static_cast<unsigned>(receivers_.size()); worker < workers; ++worker) {
        Receivers receivers{.v4 = make_receiver(base::Family::v4), .v6 = {}};
        if (v6_.raw) receivers.v6 = make_receiver(base::Family::v6);
        put(2 * worker, receivers.v4.get());
        if (receivers.v6) put(2 * worker + 1, receivers.v6.get());
        receivers_.push_back(std::move(receivers));
    }
    list_for_reg();
}

void SharedSide::list_for_reg() {
    for_reg_ = {.raw_v4 = v4_.raw.get(),
                .raw_v6 = v6_.raw.get(),
                .icmp_v4 = v4_.icmp.get(),
                .icmp_v6 = v6_.icmp.get(),
                .ports = maps_.ports.get(),
                .receivers = {}};
    for (const Receivers& worker : receivers_)
        for_reg_.receivers.push_back({worker.v4.get(), worker.v6.get()});
}

void SharedSide::set_addresses(const std::vector<base::Address>& local) {
    const int map = maps_.addresses.get();
    // First those that the machine has no longer, which makes room.
    steer_address key{}, next{};
    std::vector<steer_address> gone;
    for (const void* last = nullptr; ::bpf_map_get_next_key(map, last, &next) == 0; last = &key) {
        key = next;
        if (std::ranges::none_of(local, [&key](const base::Address& address) {
                const steer_address one = key_of(address);
                return std::memcmp(&one, &key, sizeof key) == 0;
            }))
            gone.push_back(key);
    }
    for (const steer_address& address : gone)
        ::bpf_map_delete_elem(map, &address);
    for (const base::Address& address : local) {
        const steer_segments segments = segments_at(address);
        const steer_address one = key_of(address);
        if (segments.segment[0].last != 0)
            check(::bpf_map_update_elem(map, &one, &segments, BPF_ANY), "addresses of the program");
    }
}

steer_segments SharedSide::segments_at(const base::Address& address) const {
    steer_segments segments{};
    std::size_t used = 0;
    for (const PortPlan::Range& range : plan_.ranges()) {
        if (!range.is_at(address)) continue;
        if (used == STEER_MAX_SEGMENTS)
            throw std::runtime_error(std::string(subject) + ": more than " +
                                     std::to_string(STEER_MAX_SEGMENTS) + " ranges of source ports at " +
                                     base::to_string(address));
        segments.segment[used++] = {range.ports.first, range.ports.last, range.first};
    }
    return segments;
}

SharedSide::Counts SharedSide::counts() const {
    const int processors = ::libbpf_num_possible_cpus();
    std::vector<__u64> values(static_cast<std::size_t>(std::max(processors, 1)));
    std::array<std::uint64_t, STEER_COUNTS> sums{};
    for (__u32 what = 0; what < STEER_COUNTS; ++what)
        if (::bpf_map_lookup_elem(maps_.counts.get(), &what, values.data()) == 0)
            for (const __u64 value : values)
                sums[what] += value;
    return {.delivered = sums[STEER_DELIVERED],
            .foreign = sums[STEER_FOREIGN],
            .late = sums[STEER_LATE],
            .failed = sums[STEER_FAILED]};
}

std::span<steer_port> map_ports(int descriptor, std::size_t count) {
    void* const memory = ::mmap(nullptr, places(count) * sizeof(steer_port), PROT_READ | PROT_WRITE,
                                MAP_SHARED, descriptor, 0);
    if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap of the port map");
    return {static_cast<steer_port*>(memory), count};
}

}  // namespace net
