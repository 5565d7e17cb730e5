#include "bench/load/payload.hpp"

#include <algorithm>
#include <cstring>

namespace load {

namespace {

constexpr std::uint32_t magic = 0x70647564;

struct Header {
    std::uint32_t magic;
    std::uint32_t client;
    std::uint64_t nonce, sequence, due;
};
static_assert(sizeof(Header) == Payload::header_size);

// splitmix64: a cheap filling in which every byte depends on the whole header.
std::uint64_t mix(std::uint64_t value) {
    value += 0x9e3779b97f4a7c15;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

}  // namespace

void Payload::write(std::span<std::byte> out) const {
    const Header header{magic, client, nonce, sequence, due};
    std::memcpy(out.data(), &header, sizeof header);
    std::uint64_t word = mix(nonce ^ mix(client ^ mix(sequence)));
    for (std::size_t at = header_size; at < out.size(); at += sizeof word) {
        word = mix(word);
        std::memcpy(out.data() + at, &word, std::min(sizeof word, out.size() - at));
    }
}

std::optional<Payload> Payload::read(std::span<const std::byte> bytes) {
    if (bytes.size() < header_size) return std::nullopt;
    Header header{};
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.magic != magic) return std::nullopt;
    return Payload{header.nonce, header.client, header.sequence, header.due};
}

}  // namespace load
