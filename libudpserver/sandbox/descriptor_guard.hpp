#pragma once

#include <vector>

namespace sandbox {

/// Sockets of the server side, which the parent made and REG uses: raw ones are a privilege, and what is done
/// to one stays for the next REG.
struct GuardedSockets {
    std::vector<int> senders;    ///< may only send: not be connected, bound, set up or copied
    std::vector<int> receivers;  ///< may only receive

    [[nodiscard]] bool empty() const { return senders.empty() && receivers.empty(); }
};

/// A filter for this process, besides the one of its role, which refuses everything else to these descriptors
/// (EPERM). Throws base::Fatal if the kernel has no filters.
void guard(const GuardedSockets& sockets);

}  // namespace sandbox
