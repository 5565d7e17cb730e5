#include "libudpserver/session/source_prefix.hpp"

#include <array>
#include <cstddef>
#include <cstring>

namespace session {

SourcePrefix source_prefix(const base::Address& address, unsigned v4_prefix, unsigned v6_prefix) {
    SourcePrefix source;
    const base::Address network =
        base::network_of(address, address.family == base::Family::v4 ? v4_prefix : v6_prefix);
    std::memcpy(&source.bits, network.bytes.data(), sizeof source.bits);
    source.family = address.family;
    return source;
}

std::uint64_t SourcePrefix::hash(const base::SipKey& key) const {
    std::array<std::byte, sizeof bits + 1> bytes;
    std::memcpy(bytes.data(), &bits, sizeof bits);
    bytes.back() = static_cast<std::byte>(family);
    return base::SipHash<1, 3>::hash(key, bytes);
}

}  // namespace session
