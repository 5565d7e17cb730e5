#include "bench/packet_load/frame.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

namespace {

constexpr packet::Mac to{2, 0, 0, 0, 0, 1}, from{2, 0, 0, 0, 0, 2};
constexpr packet::Path path{0x0a010203, 0xc0000201, 1024, 5000};

std::vector<std::byte> frame_with(std::size_t payload_size) {
    std::vector<std::byte> frame(packet::headers_size + payload_size, std::byte{0xa5});
    packet::write_headers(frame, to, from, path);
    return frame;
}

std::uint32_t sum(std::span<const std::byte> bytes) {
    std::uint32_t total = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i)
        total += static_cast<std::uint32_t>(bytes[i]) << (i % 2 == 0 ? 8 : 0);
    while (total > 0xffff)
        total = (total & 0xffff) + (total >> 16);
    return total;
}

}  // namespace

TEST_CASE("a frame is read as it was written") {
    const auto frame = frame_with(33);
    const auto datagram = packet::read_frame(frame);
    REQUIRE(datagram);
    CHECK(datagram->path == path);
    CHECK(datagram->payload.size() == 33);
    CHECK(datagram->payload.data() == frame.data() + packet::headers_size);
    CHECK(frame[0] == std::byte{2});
    CHECK(frame[5] == std::byte{1});
    CHECK(frame[11] == std::byte{2});
}

TEST_CASE("both checksums are right, also for an odd length") {
    for (const std::size_t size : {std::size_t{32}, std::size_t{33}, std::size_t{34}, std::size_t{1200}}) {
        const auto frame = frame_with(size);
        const std::span<const std::byte> bytes(frame);
        CHECK(sum(bytes.subspan(14, 20)) == 0xffff);
        // The pseudo header: both addresses, the protocol and the length of the UDP datagram.
        std::vector<std::byte> udp(bytes.begin() + 26, bytes.end());
        udp.insert(udp.begin(), {std::byte{0}, std::byte{17}, bytes[38], bytes[39]});
        CHECK(sum(udp) == 0xffff);
    }
}

TEST_CASE("what follows the datagram in the frame is not payload") {
    auto frame = frame_with(1);
    frame.resize(60);
    const auto datagram = packet::read_frame(frame);
    REQUIRE(datagram);
    CHECK(datagram->payload.size() == 1);
}

TEST_CASE("frames that are no complete UDP datagram are not read") {
    const auto good = frame_with(40);
    for (std::size_t size = 0; size < good.size(); ++size)
        CHECK_FALSE(packet::read_frame(std::span(good).first(size)));
    const auto changed = [&](std::size_t at, int value) {
        auto frame = good;
        frame[at] = static_cast<std::byte>(value);
        return packet::read_frame(frame).has_value();
    };
    CHECK(changed(22, 63));          // another TTL
    CHECK_FALSE(changed(12, 1));     // another protocol than IPv4
    CHECK_FALSE(changed(14, 0x46));  // options
    CHECK_FALSE(changed(20, 0x20));  // a fragment follows
    CHECK_FALSE(changed(21, 1));     // a later fragment
    CHECK_FALSE(changed(23, 6));     // TCP
    CHECK_FALSE(changed(39, 7));     // a length below that of the header
    CHECK_FALSE(changed(39, 200));   // a length beyond the IP packet
}
