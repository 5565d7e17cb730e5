/* Steers datagrams for the ports of the server side to the socket of the worker that owns the port.
   Everything else, also at ports that this proxy does not use, passes. */
#include <linux/bpf.h>
#include <linux/in.h>

#include <bpf/bpf_helpers.h>

#include "steer_types.h"

#define AF_INET 2
#define AF_INET6 10

_Static_assert(sizeof(struct steer_port) % 8 == 0, "the stride of a memory-mapped array is a multiple of 8");

struct {
    __uint(type, BPF_MAP_TYPE_SOCKMAP);
    __uint(max_entries, STEER_SOCKETS);
    __type(key, __u32);
    __type(value, __u64);
} sockets SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 65536);
    __type(key, struct steer_address);
    __type(value, struct steer_segments);
} addresses SEC(".maps");

/* A bit for each entry of `ports`: REG cannot take a port that is not the proxy's. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1); /* set when it is loaded */
    __type(key, __u32);
    __type(value, __u64);
} usable SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1); /* set when it is loaded */
    __type(key, __u32);
    __type(value, struct steer_port);
} ports SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, STEER_COUNTS);
    __type(key, __u32);
    __type(value, __u64);
} counts SEC(".maps");

static __always_inline void count(__u32 what) {
    __u64* number = bpf_map_lookup_elem(&counts, &what);
    if (number) ++*number;
}

/* The verifier refuses a pointer into the context that depends on a condition, which the compiler makes of
   two similar reads; the empty instruction keeps them apart. */
#define READ(field)                                     \
    ({                                                  \
        __u32 value = *(volatile const __u32*)&(field); \
        asm volatile("" : "+r"(value));                 \
        value;                                          \
    })

static __always_inline struct steer_address local_of(const struct bpf_sk_lookup* context) {
    struct steer_address local = {.family = context->family};
    if (context->family == AF_INET) {
        local.address[0] = READ(context->local_ip4);
    } else {
        local.address[0] = READ(context->local_ip6[0]);
        local.address[1] = READ(context->local_ip6[1]);
        local.address[2] = READ(context->local_ip6[2]);
        local.address[3] = READ(context->local_ip6[3]);
    }
    return local;
}

/* The port of the proxy that the datagram was sent to. */
static __always_inline struct steer_port* port_of(const struct bpf_sk_lookup* context,
                                                  const struct steer_address* local) {
    const struct steer_segments* segments = bpf_map_lookup_elem(&addresses, local);
    if (!segments) return 0;
    const __u32 number = context->local_port;
    for (int i = 0; i < STEER_MAX_SEGMENTS; ++i) {
        const struct steer_segment* segment = &segments->segment[i];
        if (number < segment->first || number > segment->last) continue;
        const __u32 entry = segment->entry + number - segment->first, word = entry / 64;
        const __u64* bits = bpf_map_lookup_elem(&usable, &word);
        if (!bits || !(*bits >> entry % 64 & 1)) return 0;
        return bpf_map_lookup_elem(&ports, &entry);
    }
    return 0;
}

static __always_inline int is_from_server(const struct bpf_sk_lookup* context,
                                          const struct steer_port* port) {
    if (port->peer_port == 0 || context->remote_port != port->peer_port) return 0;
    if (context->family == AF_INET) return READ(context->remote_ip4) == port->peer[0];
    return READ(context->remote_ip6[0]) == port->peer[0] && READ(context->remote_ip6[1]) == port->peer[1] &&
           READ(context->remote_ip6[2]) == port->peer[2] && READ(context->remote_ip6[3]) == port->peer[3];
}

static __always_inline int is_for(const struct bpf_sk_lookup* context, const struct steer_address* local,
                                  const struct steer_port* port) {
    if (port->scope != 0 && port->scope != context->ingress_ifindex) return 0;
    return local->address[0] == port->local[0] && local->address[1] == port->local[1] &&
           local->address[2] == port->local[2] && local->address[3] == port->local[3];
}

/* The place of the socket that gets the datagram: a worker's, or a sink. Dropping it here would send an ICMP
   message to the server, and costs more. */
static __always_inline __u32 place_for(const struct bpf_sk_lookup* context, const struct steer_address* local,
                                       struct steer_port* port) {
    const __u32 family = context->family == AF_INET ? 0 : 1;
    const int is_server = is_from_server(context, port);
    if (port->accepts == STEER_CLOSED || port->accepts == STEER_CLOSED_TO_ANYONE) {
        if (is_server || port->accepts == STEER_CLOSED_TO_ANYONE) __sync_fetch_and_add(&port->missed, 1);
        count(STEER_LATE);
    } else if ((is_server || port->accepts == STEER_ANYONE) && is_for(context, local, port) &&
               port->worker < STEER_MAX_WORKERS) {
        count(STEER_DELIVERED);
        return 2 * port->worker + family;
    } else {
        count(STEER_FOREIGN);
    }
    return STEER_SINKS + family;
}

SEC("sk_lookup")
int steer(struct bpf_sk_lookup* context) {
    if (context->protocol != IPPROTO_UDP) return SK_PASS;
    const struct steer_address local = local_of(context);
    struct steer_port* port = port_of(context, &local);
    if (!port) return SK_PASS;
    const __u32 place = place_for(context, &local, port);
    struct bpf_sock* socket = bpf_map_lookup_elem(&sockets, &place);
    if (!socket) {
        count(STEER_FAILED);
        return SK_DROP;
    }
    /* Without the flag the kernel chooses another socket of a reuseport group. */
    const long error = bpf_sk_assign(context, socket, BPF_SK_LOOKUP_F_NO_REUSEPORT);
    bpf_sk_release(socket);
    if (error) {
        count(STEER_FAILED);
        return SK_DROP;
    }
    return SK_PASS;
}

char terms[] SEC("license") = "Dual BSD/GPL";
