#include "libudpserver/net/control_data.hpp"

#include <cstring>

namespace net {

namespace {

template <typename T>
T value_of(const cmsghdr& header) {
    T value;
    std::memcpy(&value, CMSG_DATA(&header), sizeof value);
    return value;
}

bool is(const cmsghdr& header, int level, int type, std::size_t size) {
    return header.cmsg_level == level && header.cmsg_type == type && header.cmsg_len >= CMSG_LEN(size);
}

void set_local(Datagram& datagram, const in_pktinfo& info) {
    sockaddr_storage address{};
    auto& v4 = reinterpret_cast<sockaddr_in&>(address);
    v4.sin_family = AF_INET;
    v4.sin_addr = info.ipi_addr;
    // The kernel names one of our own addresses besides when the destination is none of them.
    datagram.is_broadcast = info.ipi_addr.s_addr != info.ipi_spec_dst.s_addr;
    datagram.local = base::Endpoint(base::from_sockaddr(address, sizeof v4).address(), datagram.local.port);
}

void set_local(Datagram& datagram, const in6_pktinfo& info) {
    sockaddr_storage address{};
    auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
    v6.sin6_family = AF_INET6;
    v6.sin6_addr = info.ipi6_addr;
    if (IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr)) v6.sin6_scope_id = info.ipi6_ifindex;
    datagram.local = base::Endpoint(base::from_sockaddr(address, sizeof v6).address(), datagram.local.port);
}

/// Where the datagram was sent to, also if it was steered to another socket.
template <typename Sockaddr>
void set_destination(Datagram& datagram, const cmsghdr& header) {
    sockaddr_storage address{};
    std::memcpy(&address, CMSG_DATA(&header), sizeof(Sockaddr));
    datagram.local = base::from_sockaddr(address, sizeof(Sockaddr));
}

template <typename T>
void append(msghdr& message, ControlBuffer& buffer, int level, int type, const T& value) {
    auto* header = reinterpret_cast<cmsghdr*>(buffer.bytes.data() + message.msg_controllen);
    header->cmsg_level = level;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(sizeof value);
    std::memcpy(CMSG_DATA(header), &value, sizeof value);
    message.msg_controllen += CMSG_SPACE(sizeof value);
    message.msg_control = buffer.bytes.data();
}

void append_source(msghdr& message, ControlBuffer& buffer, const base::Endpoint& source) {
    if (source.family == base::Family::v4) {
        in_pktinfo info{};
        std::memcpy(&info.ipi_spec_dst, source.bytes.data(), sizeof info.ipi_spec_dst);
        append(message, buffer, IPPROTO_IP, IP_PKTINFO, info);
    } else {
        in6_pktinfo info{};
        std::memcpy(&info.ipi6_addr, source.bytes.data(), sizeof info.ipi6_addr);
        info.ipi6_ifindex = source.scope;
        append(message, buffer, IPPROTO_IPV6, IPV6_PKTINFO, info);
    }
}

}  // namespace

void read_control(const msghdr& message, Datagram& datagram) {
    datagram.truncated = (message.msg_flags & MSG_TRUNC) != 0;
    datagram.tos = 0;
    datagram.is_broadcast = false;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(const_cast<msghdr*>(&message), header)) {
        if (is(*header, IPPROTO_IP, IP_PKTINFO, sizeof(in_pktinfo))) {
            set_local(datagram, value_of<in_pktinfo>(*header));
        } else if (is(*header, IPPROTO_IPV6, IPV6_PKTINFO, sizeof(in6_pktinfo))) {
            set_local(datagram, value_of<in6_pktinfo>(*header));
        } else if (is(*header, IPPROTO_IP, IP_ORIGDSTADDR, sizeof(sockaddr_in))) {
            set_destination<sockaddr_in>(datagram, *header);
        } else if (is(*header, IPPROTO_IPV6, IPV6_ORIGDSTADDR, sizeof(sockaddr_in6))) {
            set_destination<sockaddr_in6>(datagram, *header);
        } else if (is(*header, IPPROTO_IP, IP_TOS, 1)) {
            datagram.tos = value_of<std::uint8_t>(*header);
        } else if (is(*header, IPPROTO_IPV6, IPV6_TCLASS, sizeof(int))) {
            datagram.tos = static_cast<std::uint8_t>(value_of<int>(*header));
        }
    }
}

void write_control(msghdr& message, ControlBuffer& buffer, base::Family family, const base::Endpoint& source,
                   std::uint8_t tos) {
    message.msg_control = nullptr;
    message.msg_controllen = 0;
    if (source.family != base::Family::none) append_source(message, buffer, source);
    if (tos == 0) return;
    const int value = tos;
    if (family == base::Family::v6) {
        append(message, buffer, IPPROTO_IPV6, IPV6_TCLASS, value);
    } else {
        append(message, buffer, IPPROTO_IP, IP_TOS, value);
    }
}

}  // namespace net
