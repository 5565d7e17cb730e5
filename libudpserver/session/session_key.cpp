#include "libudpserver/session/session_key.hpp"

#include <array>
#include <cstddef>
#include <cstring>

namespace session {

SessionKey SessionKey::of(const Record& record, bool wildcard) {
    return {record.client, wildcard ? record.local.address() : base::Address{}, record.listener};
}

std::uint64_t KeyHash::operator()(const SessionKey& key) const {
    // Packed by hand: the padding of a SessionKey has no defined value. Most listeners have no local part,
    // and the length is part of the hash, so it may be left out.
    constexpr std::size_t short_length = sizeof key.client + sizeof key.listener;
    std::array<std::byte, short_length + sizeof key.local> bytes;
    std::memcpy(bytes.data(), &key.client, sizeof key.client);
    std::memcpy(bytes.data() + sizeof key.client, &key.listener, sizeof key.listener);
    std::size_t length = short_length;
    if (key.local.family != base::Family::none) {
        std::memcpy(bytes.data() + short_length, &key.local, sizeof key.local);
        length = bytes.size();
    }
    return base::SipHash<1, 3>::hash(key_, std::span(bytes).first(length));
}

}  // namespace session
