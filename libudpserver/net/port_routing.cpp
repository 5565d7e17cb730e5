#include "libudpserver/net/port_routing.hpp"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/unique_fd.hpp"

namespace net {

namespace {

/// Asks the kernel for all objects of a kind. `found` looks at each message, and ends the search with a text.
template <typename Body, typename Found>
std::string dump(int protocol, std::uint16_t type, const Body& body, Found found) {
    const base::UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
    if (!socket) return errno == EPROTONOSUPPORT ? "" : std::string("netlink: ") + std::strerror(errno);
    struct {
        nlmsghdr header;
        Body body;
    } request{};
    request.header.nlmsg_len = NLMSG_LENGTH(sizeof body);
    request.header.nlmsg_type = type;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request.body = body;
    if (::send(socket.get(), &request, request.header.nlmsg_len, 0) < 0)
        return std::string("netlink: ") + std::strerror(errno);
    alignas(nlmsghdr) std::array<char, 32768> answer;
    for (;;) {
        const ssize_t size = ::recv(socket.get(), answer.data(), answer.size(), 0);
        if (size < 0) return std::string("netlink: ") + std::strerror(errno);
        auto left = static_cast<unsigned>(size);
        for (auto* header = reinterpret_cast<nlmsghdr*>(answer.data()); NLMSG_OK(header, left);
             header = NLMSG_NEXT(header, left)) {
            if (header->nlmsg_type == NLMSG_DONE) return {};
            if (header->nlmsg_type == NLMSG_ERROR) {
                const int error = -reinterpret_cast<nlmsgerr*>(NLMSG_DATA(header))->error;
                return error == 0 || error == EOPNOTSUPP ? ""
                                                         : std::string("netlink: ") + std::strerror(error);
            }
            if (std::string text = found(header); !text.empty()) return text;
        }
    }
}

std::string rule_with_ports(nlmsghdr* header) {
    auto* const rule = static_cast<fib_rule_hdr*>(NLMSG_DATA(header));
    unsigned priority = 0;
    bool has_ports = false;
    auto length = static_cast<unsigned>(header->nlmsg_len - NLMSG_LENGTH(sizeof *rule));
    for (auto* attribute =
             reinterpret_cast<rtattr*>(reinterpret_cast<char*>(rule) + NLMSG_ALIGN(sizeof *rule));
         RTA_OK(attribute, length); attribute = RTA_NEXT(attribute, length)) {
        has_ports = has_ports || attribute->rta_type == FRA_SPORT_RANGE ||
                    attribute->rta_type == FRA_DPORT_RANGE || attribute->rta_type == FRA_IP_PROTO;
        if (attribute->rta_type == FRA_PRIORITY) std::memcpy(&priority, RTA_DATA(attribute), sizeof priority);
    }
    return has_ports ? "ip rule " + std::to_string(priority) + " selects by port or protocol" : "";
}

std::string policy_with_ports(nlmsghdr* header) {
    const auto* const policy = static_cast<xfrm_userpolicy_info*>(NLMSG_DATA(header));
    const xfrm_selector& selector = policy->sel;
    if (policy->dir != XFRM_POLICY_OUT ||
        (selector.sport_mask == 0 && selector.dport_mask == 0 && selector.proto == 0))
        return {};
    return "an IPsec policy selects by port or protocol";
}

}  // namespace

std::string port_routing() {
    for (const int family : {AF_INET, AF_INET6}) {
        fib_rule_hdr rules{};
        rules.family = static_cast<__u8>(family);
        if (std::string text = dump(NETLINK_ROUTE, RTM_GETRULE, rules, rule_with_ports); !text.empty())
            return text;
    }
    return dump(NETLINK_XFRM, XFRM_MSG_GETPOLICY, xfrm_userpolicy_id{}, policy_with_ports);
}

}  // namespace net
