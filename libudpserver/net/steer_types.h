/* Shared by the program in the kernel that steers the replies of servers (steer.bpf.c) and by its users. */
#ifndef LIBUDPSERVER_NET_STEER_TYPES_H
#define LIBUDPSERVER_NET_STEER_TYPES_H

#include <linux/types.h>

enum {
    STEER_MAX_WORKERS = 64,
    STEER_MAX_SEGMENTS = 8, /* ranges of ports at one address */
    /* Places of sockets: two for each worker, IPv4 and IPv6, then the sinks. */
    STEER_SINKS = 2 * STEER_MAX_WORKERS,
    STEER_SOCKETS = STEER_SINKS + 2,
};

/* Whose datagrams a port accepts. */
enum {
    STEER_CLOSED = 0,
    STEER_SERVER = 1,
    STEER_ANYONE = 2,
    STEER_CLOSED_TO_ANYONE =
        3, /* closed after it was open to anyone: any sender may mean its session */
};

/* Of the maps and of what their values mean: programs of other versions cannot work with them. */
enum { STEER_VERSION = 1 };

/* A port of the server side. REG writes it, the program reads it; a value of a memory-mapped array has a
   multiple of 8 bytes, or the kernel and the memory would disagree about where it is. */
struct steer_port {
    __u32 peer[4];   /* the server, also the last one of a closed port; IPv4: the first word */
    __u32 local[4];  /* the address that it sends to */
    __u32 scope;     /* index of the interface, for link-local addresses; 0: any */
    __u16 peer_port; /* in network byte order; 0: the port has never been open */
    __u8 worker;
    __u8 accepts;
    __u32 missed;   /* datagrams for its last session while the port was closed; only the program writes it */
    __u32 forgiven; /* ICMP messages among them, which anybody can send; REG writes it */
};

/* Which ports of an address of the machine are the proxy's; only the parent writes them. */
struct steer_address {
    __u32 address[4];
    __u32 family; /* AF_INET or AF_INET6 */
};
struct steer_segment {
    __u16 first, last; /* none if last is 0 */
    __u32 entry;       /* of the first port */
};
struct steer_segments {
    struct steer_segment segment[STEER_MAX_SEGMENTS];
};

/* What became of datagrams for ports of the proxy. */
enum { STEER_DELIVERED, STEER_FOREIGN, STEER_LATE, STEER_FAILED, STEER_COUNTS };

#endif
