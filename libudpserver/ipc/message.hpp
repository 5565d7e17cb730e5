#pragma once

#include <cstdint>
#include <vector>

#include "base/unique_fd.hpp"
#include "libudpserver/ipc/codec.hpp"
#include "libudpserver/ipc/message_type.hpp"

namespace ipc {

/// A received packet. It exists only during the callback, which may move descriptors out; the others are
/// closed.
struct Message {
    MessageType type{};
    std::uint32_t id = 0;
    Decoder body;
    std::vector<base::UniqueFd> descriptors;
    bool descriptors_lost = false;  ///< they could not be received: this process has too many open files
};

}  // namespace ipc
