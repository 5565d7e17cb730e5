#include "libudpserver/ipc/codec.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace ipc {

bool Encoder::room(std::size_t count) {
    if (count > buffer_.size() - size_) ok_ = false;
    return ok_;
}

Encoder& Encoder::number(std::uint64_t value, std::size_t width) {
    if (!room(width)) return *this;
    for (std::size_t i = 0; i < width; ++i) {
        buffer_[size_++] = static_cast<std::byte>(value & 0xff);
        value >>= 8;
    }
    return *this;
}

Encoder& Encoder::raw(const void* from, std::size_t count) {
    if (count == 0 || !room(count)) return *this;
    std::memcpy(buffer_.data() + size_, from, count);
    size_ += count;
    return *this;
}

Encoder& Encoder::bytes(std::span<const std::byte> value) {
    if (value.size() > std::numeric_limits<std::uint16_t>::max() || !room(2 + value.size())) {
        ok_ = false;
        return *this;
    }
    return u16(static_cast<std::uint16_t>(value.size())).raw(value.data(), value.size());
}

Encoder& Encoder::string(std::string_view value) {
    return bytes(std::as_bytes(std::span(value)));
}

Encoder& Encoder::endpoint(const base::Endpoint& value) {
    if (!room(1 + 2 + 4 + value.bytes.size())) return *this;
    return u8(static_cast<std::uint8_t>(value.family))
        .u16(value.port)
        .u32(value.scope)
        .raw(value.bytes.data(), value.bytes.size());
}

void Decoder::fail() {
    ok_ = false;
    rest_ = {};
}

std::span<const std::byte> Decoder::take(std::size_t count) {
    if (!ok_ || count > rest_.size()) {
        fail();
        return {};
    }
    const auto taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
}

std::uint64_t Decoder::number(std::size_t width) {
    const auto taken = take(width);
    std::uint64_t value = 0;
    for (std::size_t i = taken.size(); i > 0; --i)
        value = value << 8 | std::to_integer<std::uint64_t>(taken[i - 1]);
    return value;
}

std::vector<std::byte> Decoder::bytes() {
    const auto taken = take(u16());
    return {taken.begin(), taken.end()};
}

std::string Decoder::string() {
    const auto taken = take(u16());
    std::string text(taken.size(), '\0');
    std::ranges::transform(taken, text.begin(), [](std::byte b) { return std::to_integer<char>(b); });
    return text;
}

base::Endpoint Decoder::endpoint() {
    base::Endpoint value;
    const std::uint8_t family = u8();
    value.port = u16();
    value.scope = u32();
    const auto address = take(value.bytes.size());
    const bool known = family == static_cast<std::uint8_t>(base::Family::none) ||
                       family == static_cast<std::uint8_t>(base::Family::v4) ||
                       family == static_cast<std::uint8_t>(base::Family::v6);
    if (!known) fail();
    if (!ok_) return {};
    value.family = static_cast<base::Family>(family);
    std::memcpy(value.bytes.data(), address.data(), address.size());
    return value;
}

void encode(Encoder& out, const Header& header) {
    out.u16(header.type).u16(header.zero).u32(header.id);
}

Header decode_header(Decoder& in) {
    Header header;
    header.type = in.u16();
    header.zero = in.u16();
    header.id = in.u32();
    if (header.zero != 0) in.fail();
    return header;
}

}  // namespace ipc
