#pragma once

#include <linux/if_packet.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/unique_fd.hpp"
#include "bench/packet_load/frame.hpp"

namespace packet {

/// Whole frames, sent and received in batches on one interface, past its queueing discipline.
class PacketSocket {
public:
    static constexpr std::size_t batch_size = 64;
    static constexpr std::size_t frame_size = 2048;

    /// Needs CAP_NET_RAW; throws std::system_error.
    explicit PacketSocket(const std::string& interface);

    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] const Mac& mac() const { return mac_; }

    /// Room for the next frame of the batch, `length` bytes; nothing must be added to a full batch.
    std::span<std::byte> add(std::size_t length);
    [[nodiscard]] std::size_t added() const { return added_; }
    /// Sends the batch, again and again while the kernel has no buffer for it.
    void send();

    /// Receives what is there, without waiting; returns how many frames.
    std::size_t receive();
    [[nodiscard]] std::span<const std::byte> frame(std::size_t index) const;

    /// Frames that the kernel dropped since the last call because the receive buffer was full.
    std::uint64_t take_overrun();

private:
    struct Frames {
        explicit Frames();
        std::unique_ptr<std::byte[]> bytes;
        std::array<iovec, batch_size> parts{};
        std::array<mmsghdr, batch_size> messages{};
    };

    base::UniqueFd fd_;
    Mac mac_{};
    Frames outgoing_, incoming_;
    std::size_t added_ = 0;
};

}  // namespace packet
