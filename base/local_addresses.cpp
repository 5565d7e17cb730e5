#include "base/local_addresses.hpp"

#include <ifaddrs.h>

#include <algorithm>
#include <cstring>

namespace base {

std::optional<std::vector<Address>> local_addresses() {
    ifaddrs* first = nullptr;
    if (::getifaddrs(&first) != 0) return std::nullopt;
    std::vector<Address> addresses;
    for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
        if (entry->ifa_addr == nullptr) continue;
        const int family = entry->ifa_addr->sa_family;
        if (family != AF_INET && family != AF_INET6) continue;
        const socklen_t length = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
        sockaddr_storage storage{};
        std::memcpy(&storage, entry->ifa_addr, length);
        addresses.push_back(from_sockaddr(storage, length).address());
    }
    ::freeifaddrs(first);
    std::sort(addresses.begin(), addresses.end());
    return addresses;
}

}  // namespace base
