#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace ipc {

/// The processes that can stand at an end of a link.
enum class Party : std::uint8_t { parent, reg, acr, apr };
inline constexpr std::size_t party_count = 4;

/// The type of a packet. The numbers are only used between processes of the same program.
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
    drained,
    failed
};
inline constexpr std::size_t message_type_count = 16;

/// `REG`, `ping`: for log lines.
std::string_view to_string(Party party);
std::string_view to_string(MessageType type);

/// The type with this number, if there is one.
std::optional<MessageType> message_type(std::uint16_t number);

/// The table of permitted senders; a violation closes the link.
bool may_send(MessageType type, Party from, Party to);

/// True if packets of this type may carry descriptors.
bool may_carry_descriptors(MessageType type);

}  // namespace ipc
