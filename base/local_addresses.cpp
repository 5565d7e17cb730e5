#include "base/local_addresses.hpp"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <span>

#include "base/unique_fd.hpp"

// getifaddrs(), if_indextoname() and if_nametoindex() would open a socket for each call, which a sandbox
// forbids.
namespace base {
namespace {

using Bytes = std::span<const std::byte>;

struct Kept {
    std::mutex mutex;      ///< one question at a time
    bool is_kept = false;  ///< then none is opened, even if there is none
    UniqueFd socket;
    std::uint32_t question = 0;
};

Kept& kept() {
    static Kept the_kept;
    return the_kept;
}

UniqueFd open_socket() {
    UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    const timeval limit{1, 0};  // the kernel answers at once
    if (fd) ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}

bool ask_about(unsigned long what, ifreq& request) {
    const UniqueFd once = kept().is_kept ? UniqueFd() : open_socket();
    return ::ioctl(kept().is_kept ? kept().socket.get() : once.get(), what, &request) == 0;
}

bool ask(int socket, std::uint32_t question) {
    struct {
        nlmsghdr header{};
        ifaddrmsg body{};
    } request;
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = RTM_GETADDR;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request.header.nlmsg_seq = question;
    return ::send(socket, &request, sizeof request, 0) == sizeof request;
}

/// The interface's own address; of a point-to-point link the other attribute is the peer's.
std::optional<Address> address_in(Bytes message) {
    ifaddrmsg about;
    if (message.size() < NLMSG_LENGTH(sizeof about)) return std::nullopt;
    std::memcpy(&about, message.data() + NLMSG_HDRLEN, sizeof about);
    Bytes found;
    for (Bytes rest = message.subspan(NLMSG_LENGTH(sizeof about)); rest.size() >= sizeof(rtattr);) {
        rtattr attribute;
        std::memcpy(&attribute, rest.data(), sizeof attribute);
        if (attribute.rta_len < sizeof attribute || attribute.rta_len > rest.size()) break;
        const bool is_local = attribute.rta_type == IFA_LOCAL;
        if (is_local || (attribute.rta_type == IFA_ADDRESS && found.empty()))
            found = rest.subspan(sizeof attribute, attribute.rta_len - sizeof attribute);
        rest = rest.subspan(std::min<std::size_t>(RTA_ALIGN(attribute.rta_len), rest.size()));
    }
    sockaddr_storage storage{};
    if (about.ifa_family == AF_INET && found.size() == 4) {
        auto* const v4 = reinterpret_cast<sockaddr_in*>(&storage);
        v4->sin_family = AF_INET;
        std::memcpy(&v4->sin_addr, found.data(), 4);
        return from_sockaddr(storage, sizeof *v4).address();
    }
    if (about.ifa_family != AF_INET6 || found.size() != 16) return std::nullopt;
    auto* const v6 = reinterpret_cast<sockaddr_in6*>(&storage);
    v6->sin6_family = AF_INET6;
    std::memcpy(&v6->sin6_addr, found.data(), 16);
    if (IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr)) v6->sin6_scope_id = about.ifa_index;
    return from_sockaddr(storage, sizeof *v6).address();
}

enum class Read { more, done, failed };

/// Answers to an earlier question, which was given up, are skipped.
Read take(Bytes messages, std::uint32_t question, std::vector<Address>& addresses) {
    while (messages.size() >= sizeof(nlmsghdr)) {
        nlmsghdr header;
        std::memcpy(&header, messages.data(), sizeof header);
        if (header.nlmsg_len < sizeof header || header.nlmsg_len > messages.size()) return Read::failed;
        if (header.nlmsg_seq == question) {
            if (header.nlmsg_type == NLMSG_DONE) return Read::done;
            if (header.nlmsg_type == NLMSG_ERROR) return Read::failed;
            const auto address = header.nlmsg_type == RTM_NEWADDR
                                     ? address_in(messages.first(header.nlmsg_len))
                                     : std::nullopt;
            if (address) addresses.push_back(*address);
        }
        messages = messages.subspan(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), messages.size()));
    }
    return Read::more;
}

std::optional<std::vector<Address>> read_answer(int socket, std::uint32_t question) {
    std::vector<Address> addresses;
    std::array<std::byte, 32 * 1024> buffer;
    for (Read state = Read::more; state == Read::more;) {
        const ssize_t got = ::recv(socket, buffer.data(), buffer.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return std::nullopt;
        state = take(Bytes(buffer).first(static_cast<std::size_t>(got)), question, addresses);
        if (state == Read::failed) return std::nullopt;
    }
    std::sort(addresses.begin(), addresses.end());
    return addresses;
}

}  // namespace

std::string interface_name(unsigned index) {
    ifreq request{};
    request.ifr_ifindex = static_cast<int>(index);
    return ask_about(SIOCGIFNAME, request) ? request.ifr_name : "";
}

unsigned interface_index(const std::string& name) {
    ifreq request{};
    if (name.empty() || name.size() >= sizeof request.ifr_name) return 0;
    std::memcpy(request.ifr_name, name.data(), name.size());
    return ask_about(SIOCGIFINDEX, request) ? static_cast<unsigned>(request.ifr_ifindex) : 0;
}

std::optional<std::vector<Address>> local_addresses() {
    Kept& own = kept();
    const std::lock_guard lock(own.mutex);
    const UniqueFd once = own.is_kept ? UniqueFd() : open_socket();
    const int socket = own.is_kept ? own.socket.get() : once.get();
    if (socket < 0 || !ask(socket, ++own.question)) return std::nullopt;
    return read_answer(socket, own.question);
}

void keep_address_socket() {
    kept().is_kept = true;
    kept().socket = open_socket();
}

}  // namespace base
