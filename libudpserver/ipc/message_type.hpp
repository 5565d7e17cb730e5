#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace ipc {

/// The processes that can stand at an end of a link.
enum class Party : std::uint8_t { parent, reg, acr, apr };
inline constexpr std::size_t party_count = 4;

/// What a packet is about. The numbers go over the wire between processes of one program run only.
enum class MessageType : std::uint16_t {
    ready = 1,
    ping,
    pong,
    stop,
    pool_request,
    pool_sockets,
    peer_link,
    name_update,
    look_up,
    looked_up,
    query,
    query_result,
    link_lost,
    drain,
    drained
};
inline constexpr std::size_t message_type_count = 15;

/// `REG`, `ping`: for log lines.
std::string_view to_string(Party party);
std::string_view to_string(MessageType type);

/// The type with this number on the wire, nothing when there is none.
std::optional<MessageType> message_type(std::uint16_t number);

/// The who-may-send-what table: what it does not allow closes the link.
bool may_send(MessageType type, Party from, Party to);

/// Whether packets of this type may carry descriptors.
bool may_carry_descriptors(MessageType type);

}  // namespace ipc
