#include "base/siphash.hpp"

#include <array>
#include <vector>

#include <catch2/catch.hpp>

using namespace base;

namespace {

// The key of the published vectors: the bytes 00 to 0f; the input of length n is the bytes 00 to n-1.
constexpr SipKey published_key{0x0706050403020100, 0x0f0e0d0c0b0a0908};

std::uint64_t published(std::size_t length) {
    std::vector<std::byte> input(length);
    for (std::size_t i = 0; i < length; ++i)
        input[i] = static_cast<std::byte>(i);
    return SipHash<2, 4>::hash(published_key, input);
}

}  // namespace

TEST_CASE("SipHash-2-4 gives the published values [O-18]") {
    CHECK(published(0) == 0x726fdb47dd0e0e31);
    CHECK(published(1) == 0x74f839c593dc67fd);
    CHECK(published(2) == 0x0d6c8009d9a94f5a);
    CHECK(published(3) == 0x85676696d7fb7e2d);
    CHECK(published(7) == 0xab0200f58b01d137);
    CHECK(published(8) == 0x93f5f5799a932462);
    CHECK(published(15) == 0xa129ca6149be45e5);
    CHECK(published(16) == 0x3f2acc7f57c29bdb);
    CHECK(published(63) == 0x958a324ceb064572);
}

TEST_CASE("key, length and rounds all change the hash") {
    const std::array<std::byte, 9> zeros{};
    const auto hash = SipHash<1, 3>::hash({1, 2}, zeros);
    CHECK(hash == SipHash<1, 3>::hash({1, 2}, zeros));
    CHECK(hash != SipHash<1, 3>::hash({1, 3}, zeros));
    CHECK(hash != SipHash<1, 3>::hash({2, 2}, zeros));
    CHECK(hash != SipHash<1, 3>::hash({1, 2}, std::span(zeros).first(8)));
    CHECK(hash != SipHash<2, 4>::hash({1, 2}, zeros));
}

TEST_CASE("random keys differ") {
    const auto one = random_key(), other = random_key();
    CHECK((one.low != other.low || one.high != other.high));
    CHECK((one.low != 0 || one.high != 0));
}
