#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/endpoint.hpp"

namespace ipc {

/// No packet is longer, header included.
inline constexpr std::size_t max_packet = 16 * 1024;
inline constexpr std::size_t header_size = 8;

/// The first eight bytes of every packet; `id` is 0 unless it is a request or an answer.
struct Header {
    std::uint16_t type = 0;
    std::uint16_t zero = 0;
    std::uint32_t id = 0;
};

/// Writes fields, numbers in little-endian order. If one does not fit, ok() stays false and nothing more is
/// written.
class Encoder {
public:
    Encoder& u8(std::uint8_t value) { return number(value, 1); }
    Encoder& u16(std::uint16_t value) { return number(value, 2); }
    Encoder& u32(std::uint32_t value) { return number(value, 4); }
    Encoder& u64(std::uint64_t value) { return number(value, 8); }
    Encoder& i32(std::int32_t value) { return u32(static_cast<std::uint32_t>(value)); }
    /// Length (u16), then the bytes.
    Encoder& bytes(std::span<const std::byte> value);
    Encoder& string(std::string_view value);
    /// Family, port, scope and 16 bytes of address: 23 bytes.
    Encoder& endpoint(const base::Endpoint& value);

    /// Makes ok() false: the value would be rejected by the reader.
    void fail() { ok_ = false; }
    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] std::span<const std::byte> data() const { return {buffer_.data(), size_}; }

private:
    Encoder& number(std::uint64_t value, std::size_t width);
    Encoder& raw(const void* from, std::size_t count);
    bool room(std::size_t count);

    std::array<std::byte, max_packet - header_size> buffer_;
    std::size_t size_ = 0;
    bool ok_ = true;
};

/// Reads fields out of untrusted bytes. After the first truncated or invalid field ok() stays false, and all
/// further fields read as zero or empty. Never throws, never asserts.
class Decoder {
public:
    Decoder() = default;
    explicit Decoder(std::span<const std::byte> data) : rest_(data) {}

    std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
    std::uint64_t u64() { return number(8); }
    std::int32_t i32() { return static_cast<std::int32_t>(u32()); }
    std::vector<std::byte> bytes();
    std::string string();
    base::Endpoint endpoint();

    /// Makes ok() false: the value is well-formed but not permitted.
    void fail();
    [[nodiscard]] bool ok() const { return ok_; }
    /// True if all fields were valid and no bytes are left.
    [[nodiscard]] bool done() const { return ok_ && rest_.empty(); }

private:
    std::uint64_t number(std::size_t width);
    std::span<const std::byte> take(std::size_t count);

    std::span<const std::byte> rest_;
    bool ok_ = true;
};

/// The decoder is not ok() if the packet is shorter than a header, or Header::zero is not zero.
void encode(Encoder& out, const Header& header);
Header decode_header(Decoder& in);

}  // namespace ipc
