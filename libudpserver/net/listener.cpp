#include "libudpserver/net/listener.hpp"

#include <fcntl.h>

#include <cerrno>

#include "libudpserver/net/udp_socket.hpp"

namespace net {

namespace {

void set_buffers(int fd, const ListenerOptions& options, const std::string& subject) {
    if (options.receive_buffer > 0) {
        set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, options.receive_buffer, subject);
    }
    if (options.send_buffer > 0) set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, options.send_buffer, subject);
}

void set_transparent(int fd, base::Family family, bool on, const std::string& subject) {
    if (family == base::Family::v6) {
        set_option(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, on ? 1 : 0, subject, "IPV6_TRANSPARENT");
    } else {
        set_option(fd, IPPROTO_IP, IP_TRANSPARENT, on ? 1 : 0, subject, "IP_TRANSPARENT");
    }
}

void set_common_options(int fd, const ListenerOptions& options, const std::string& subject) {
    if (options.reuse_address) set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1, subject, "SO_REUSEADDR");
    if (options.reuse_port) set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1, subject, "SO_REUSEPORT");
    set_buffers(fd, options, subject);
}

void set_v4_options(int fd, const ListenerOptions& options, const std::string& subject) {
    set_option(fd, IPPROTO_IP, IP_PKTINFO, 1, subject, "IP_PKTINFO");
    set_option(fd, IPPROTO_IP, IP_RECVTOS, 1, subject, "IP_RECVTOS");
    set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT, subject, "IP_MTU_DISCOVER");
    if (options.answer_as_others) set_transparent(fd, base::Family::v4, true, subject);
}

void set_v6_options(int fd, const ListenerOptions& options, const std::string& subject) {
    set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1, subject, "IPV6_V6ONLY");
    set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, subject, "IPV6_RECVPKTINFO");
    set_option(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1, subject, "IPV6_RECVTCLASS");
    set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT, subject, "IPV6_MTU_DISCOVER");
    if (options.answer_as_others) set_transparent(fd, base::Family::v6, true, subject);
}

int integer_option(int fd, int name, const std::string& subject) {
    int value = 0;
    socklen_t length = sizeof value;
    if (::getsockopt(fd, SOL_SOCKET, name, &value, &length) != 0)
        throw SocketError(subject, "getsockopt", errno);
    return value;
}

}  // namespace

Listener::Listener(base::UniqueFd fd, bool close_on_free)
    : fd_(std::move(fd)), close_on_free_(close_on_free), local_(local_endpoint(fd_.get())) {
    wildcard_ = local_.address().is_any();
}

Listener::~Listener() {
    if (!close_on_free_) static_cast<void>(fd_.release());
}

Listener Listener::bind(const base::Endpoint& local, const ListenerOptions& options) {
    const std::string subject = base::to_string(local);
    base::UniqueFd fd = make_udp_socket(local.family, subject);
    set_common_options(fd.get(), options, subject);
    if (local.family == base::Family::v6) {
        set_v6_options(fd.get(), options, subject);
    } else {
        set_v4_options(fd.get(), options, subject);
    }
    bind_socket(fd.get(), local, subject);
    return {std::move(fd), true};
}

Listener Listener::from_descriptor(int fd, bool close_on_free) {
    const std::string subject = "descriptor " + std::to_string(fd);
    if (integer_option(fd, SO_TYPE, subject) != SOCK_DGRAM)
        throw SocketError(subject, "not a datagram socket", EPROTOTYPE);
    if (integer_option(fd, SO_PROTOCOL, subject) != IPPROTO_UDP)
        throw SocketError(subject, "not UDP", EPROTONOSUPPORT);
    if (local_endpoint(fd).port == 0) throw SocketError(subject, "not bound", EINVAL);
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        throw SocketError(subject, "fcntl", errno);
    return {base::UniqueFd(fd), close_on_free};
}

void Listener::set_options(const ListenerOptions& options) const {
    const std::string subject = base::to_string(local_);
    // Only on: a REG may still answer as others until the next one takes over.
    if (options.answer_as_others) set_transparent(fd_.get(), local_.family, true, subject);
    set_buffers(fd_.get(), options, subject);
}

void Listener::share_port() {
    set_option(fd_.get(), SOL_SOCKET, SO_REUSEPORT, 1, base::to_string(local_), "SO_REUSEPORT");
}

}  // namespace net
