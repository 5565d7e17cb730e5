#pragma once

#include <optional>

#include "base/endpoint.hpp"

/// Arithmetic of networks and masks.
namespace conf {

/// 32 or 128.
unsigned address_bits(base::Family family);

base::Address prefix_mask(base::Family family, unsigned prefix);
/// The prefix length of a mask; nothing for a mask with gaps.
std::optional<unsigned> prefix_of_mask(const base::Address& mask);

base::Address masked(const base::Address& address, const base::Address& mask);
/// The highest address of the network.
base::Address last_of(const base::Address& address, const base::Address& mask);

/// The prefix of the network with these first and last addresses; nothing if they are not a network.
std::optional<unsigned> prefix_between(const base::Address& first, const base::Address& last);

bool is_multicast(const base::Address& address);
bool is_loopback(const base::Address& address);

}  // namespace conf
