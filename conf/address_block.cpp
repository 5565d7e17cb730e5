#include "conf/address_block.hpp"

#include <cstddef>
#include <cstdint>

namespace conf {

using base::Address;
using base::Family;

unsigned address_bits(Family family) {
    return family == Family::v4 ? 32 : 128;
}

Address prefix_mask(Family family, unsigned prefix) {
    Address ones = Address::any(family);
    for (std::size_t i = 0; i < address_bits(family) / 8; ++i)
        ones.bytes[i] = 0xff;
    return base::network_of(ones, prefix);
}

std::optional<unsigned> prefix_of_mask(const Address& mask) {
    unsigned prefix = 0;
    while (prefix < address_bits(mask.family) && (mask.bytes[prefix / 8] & (0x80u >> (prefix % 8))))
        ++prefix;
    return prefix_mask(mask.family, prefix) == mask ? std::optional(prefix) : std::nullopt;
}

Address masked(const Address& address, const Address& mask) {
    Address result = address;
    for (std::size_t i = 0; i < result.bytes.size(); ++i) {
        result.bytes[i] = static_cast<std::uint8_t>(result.bytes[i] & mask.bytes[i]);
    }
    return result;
}

Address last_of(const Address& address, const Address& mask) {
    Address result = address;
    for (std::size_t i = 0; i < address_bits(address.family) / 8; ++i) {
        result.bytes[i] = static_cast<std::uint8_t>(result.bytes[i] | ~mask.bytes[i]);
    }
    return result;
}

std::optional<unsigned> prefix_between(const Address& first, const Address& last) {
    Address same = Address::any(first.family);
    for (std::size_t i = 0; i < address_bits(first.family) / 8; ++i) {
        same.bytes[i] = static_cast<std::uint8_t>(~(first.bytes[i] ^ last.bytes[i]));
    }
    const auto prefix = prefix_of_mask(same);
    const bool whole = prefix && masked(first, same) == first && last_of(first, same) == last;
    return whole ? prefix : std::nullopt;
}

bool is_multicast(const Address& address) {
    return address.family == Family::v4 ? (address.bytes[0] & 0xf0) == 0xe0 : address.bytes[0] == 0xff;
}

bool is_loopback(const Address& address) {
    if (address.family == Family::v4) return address.bytes[0] == 127;
    Address one = Address::any(Family::v6);
    one.bytes[15] = 1;
    return address == one;
}

}  // namespace conf
