#include <ifaddrs.h>
#include <net/if.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>

#include "base/local_addresses.hpp"

namespace {

/// By the C library.
std::vector<base::Address> expected() {
    std::vector<base::Address> found;
    ifaddrs* first = nullptr;
    REQUIRE(::getifaddrs(&first) == 0);
    for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
        const int family = entry->ifa_addr == nullptr ? AF_UNSPEC : entry->ifa_addr->sa_family;
        if (family != AF_INET && family != AF_INET6) continue;
        sockaddr_storage storage{};
        const socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
        std::memcpy(&storage, entry->ifa_addr, size);
        found.push_back(base::from_sockaddr(storage, size).address());
    }
    ::freeifaddrs(first);
    std::sort(found.begin(), found.end());
    return found;
}

}  // namespace

TEST_CASE("the machine's addresses are those of the C library, with or without a socket that is kept [Z-4]") {
    const auto before = base::local_addresses();
    REQUIRE(before);
    CHECK(*before == expected());
    CHECK_FALSE(before->empty());
    CHECK(base::interface_index("lo") == ::if_nametoindex("lo"));
    base::keep_address_socket();
    for (int again = 0; again < 3; ++again)
        CHECK(base::local_addresses() == before);
    CHECK(base::interface_name(base::interface_index("lo")) == "lo");
    CHECK(base::interface_index("no-such-one") == 0);
    CHECK(base::interface_index("longer-than-a-name-may-be") == 0);
    CHECK(base::interface_name(987654).empty());
}
