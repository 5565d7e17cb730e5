#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/unique_fd.hpp"

namespace ipc {

/// A packet carries at most this many descriptors.
inline constexpr std::size_t max_descriptors = 128;

/// Sends one packet with descriptors (SCM_RIGHTS), without blocking or SIGPIPE. Returns 0 or an errno;
/// EMSGSIZE for too many descriptors.
int send_packet(int socket, std::span<const std::byte> packet, std::span<const int> descriptors);

/// A received packet. `size` 0 with `error` 0 is the end of the link.
struct ReceivedPacket {
    std::size_t size = 0;
    int error = 0;                  ///< errno; EAGAIN without a packet
    bool truncated = false;         ///< the packet was longer than the buffer
    bool descriptors_lost = false;  ///< some did not fit or could not be opened here; all are closed
    std::vector<base::UniqueFd> descriptors{};  ///< close-on-exec
};

ReceivedPacket receive_packet(int socket, std::span<std::byte> buffer);

}  // namespace ipc
