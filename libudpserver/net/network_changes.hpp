#pragma once

#include <span>

#include "base/unique_fd.hpp"

namespace net {

/// Notices that the machine gets an address or a route, so that what failed without it can be tried again at
/// once. Without netlink it notices nothing.
class NetworkChanges {
public:
    NetworkChanges();

    /// Readable when something has changed; -1 without netlink.
    [[nodiscard]] int descriptor() const { return socket_.get(); }
    /// Whether an address or a route was added since the last call. Reads a bounded number of messages.
    [[nodiscard]] bool take();

private:
    base::UniqueFd socket_;
};

/// The messages of the kernel contain one about a new address or a new route.
[[nodiscard]] bool adds_address_or_route(std::span<const std::byte> messages);

}  // namespace net
