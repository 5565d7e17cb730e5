#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace base {

static_assert(std::endian::native == std::endian::little, "SipHash reads its input as little-endian words");

struct SipKey {
    std::uint64_t low = 0, high = 0;
};

/// A key from the kernel's random source; made once per start, so that an attacker cannot choose colliding
/// addresses (O-18). Throws std::system_error when the kernel has none.
SipKey random_key();

/// The keyed hash of Aumasson and Bernstein with `compression` rounds a word and `finalization` rounds at the
/// end. SipHash<2, 4> is the published function; SipHash<1, 3> is enough for hash tables.
template <int compression, int finalization>
class SipHash {
public:
    static std::uint64_t hash(const SipKey& key, std::span<const std::byte> bytes) {
        SipHash state(key);
        const std::size_t words = bytes.size() / 8;
        for (std::size_t i = 0; i < words; ++i)
            state.absorb(load(bytes.subspan(i * 8, 8)));
        // The last word holds what is left and, in its highest byte, the length.
        state.absorb(load(bytes.subspan(words * 8)) | std::uint64_t{bytes.size()} << 56);
        state.v2_ ^= 0xff;
        state.rounds(finalization);
        return state.v0_ ^ state.v1_ ^ state.v2_ ^ state.v3_;
    }

private:
    explicit SipHash(const SipKey& key)
        : v0_(key.low ^ 0x736f6d6570736575),
          v1_(key.high ^ 0x646f72616e646f6d),
          v2_(key.low ^ 0x6c7967656e657261),
          v3_(key.high ^ 0x7465646279746573) {}

    static std::uint64_t load(std::span<const std::byte> bytes) {
        std::uint64_t word = 0;
        if (!bytes.empty()) std::memcpy(&word, bytes.data(), bytes.size());
        return word;
    }

    void absorb(std::uint64_t word) {
        v3_ ^= word;
        rounds(compression);
        v0_ ^= word;
    }

    void rounds(int count) {
        for (int i = 0; i < count; ++i) {
            v0_ += v1_, v2_ += v3_;
            v1_ = std::rotl(v1_, 13) ^ v0_, v3_ = std::rotl(v3_, 16) ^ v2_;
            v0_ = std::rotl(v0_, 32);
            v2_ += v1_, v0_ += v3_;
            v1_ = std::rotl(v1_, 17) ^ v2_, v3_ = std::rotl(v3_, 21) ^ v0_;
            v2_ = std::rotl(v2_, 32);
        }
    }

    std::uint64_t v0_, v1_, v2_, v3_;
};

}  // namespace base
