#include "libudpserver/net/network_changes.hpp"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <vector>

#include "tests/unit/base/forked.hpp"

namespace {

std::vector<std::byte> message(unsigned type, unsigned claimed = NLMSG_HDRLEN) {
    nlmsghdr header{};
    header.nlmsg_len = claimed;
    header.nlmsg_type = static_cast<std::uint16_t>(type);
    std::vector<std::byte> bytes(NLMSG_HDRLEN);
    std::memcpy(bytes.data(), &header, sizeof header);
    return bytes;
}

std::vector<std::byte> both(std::vector<std::byte> first, const std::vector<std::byte>& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

/// The loopback interface gets its address.
bool raise_loopback() {
    const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    if (::ioctl(fd, SIOCGIFFLAGS, &request) != 0) return false;
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    const bool done = ::ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    ::close(fd);
    return done;
}

}  // namespace

TEST_CASE("only new addresses and routes count, however many messages there are [D-7]") {
    CHECK(net::adds_address_or_route(message(RTM_NEWADDR)));
    CHECK(net::adds_address_or_route(message(RTM_NEWROUTE)));
    CHECK_FALSE(net::adds_address_or_route(message(RTM_DELADDR)));
    CHECK_FALSE(net::adds_address_or_route(message(RTM_NEWNEIGH)));
    CHECK(net::adds_address_or_route(both(message(RTM_DELROUTE), message(RTM_NEWADDR))));
    CHECK_FALSE(net::adds_address_or_route({}));
    CHECK_FALSE(net::adds_address_or_route(message(RTM_DELADDR, 0)));  // no endless loop
    CHECK_FALSE(net::adds_address_or_route(message(RTM_DELADDR, 4000)));
}

TEST_CASE("a new address is noticed [D-7]") {
    if (::geteuid() != 0) {
        WARN("skipped: only root can make a network namespace");
        return;
    }
    CHECK(in_child([] {
              if (::unshare(CLONE_NEWNET) != 0) return 1;
              net::NetworkChanges changes;
              if (changes.take()) return 2;
              if (!raise_loopback()) return 3;
              pollfd ready{changes.descriptor(), POLLIN, 0};
              while (::poll(&ready, 1, 5000) == 1)
                  if (changes.take()) return 0;
              return 4;
          }) == 0);
}
