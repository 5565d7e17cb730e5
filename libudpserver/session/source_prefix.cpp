#include "libudpserver/session/source_prefix.hpp"

#include <array>
#include <cstddef>
#include <cstring>

namespace session {

SourcePrefix source_prefix(const base::Address& address, unsigned v4_prefix, unsigned v6_prefix) {
    SourcePrefix source;
    const base::Address network =
        base::network_of(address, address.family == base::Family::v4 ? v4_prefix : v6_prefix);
    const bool is_host = v6_prefix == 64 && base::needs_scope(address);
    std::memcpy(&source.bits, is_host ? &address.bytes[8] : network.bytes.data(), sizeof source.bits);
    source.scope = address.scope;
    source.family = address.family;
    return source;
}

std::uint64_t SourcePrefix::hash(const base::SipKey& key) const {
    std::array<std::byte, sizeof bits + sizeof scope + 1> bytes;
    std::memcpy(bytes.data(), &bits, sizeof bits);
    std::memcpy(&bytes[sizeof bits], &scope, sizeof scope);
    bytes.back() = static_cast<std::byte>(family);
    return base::SipHash<1, 3>::hash(key, bytes);
}

}  // namespace session
