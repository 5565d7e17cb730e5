#include "libudpserver/ipc/message_type.hpp"

#include <array>

namespace ipc {
namespace {

/// A set of parties, one bit each.
using Parties = unsigned;

constexpr Parties only(Party party) {
    return 1u << static_cast<unsigned>(party);
}

constexpr Parties parent = only(Party::parent);
constexpr Parties reg = only(Party::reg);
constexpr Parties acr = only(Party::acr);
constexpr Parties apr = only(Party::apr);
constexpr Parties children = only(Party::reg) | only(Party::acr) | only(Party::apr);

struct Row {
    MessageType type;
    std::string_view name;
    Parties from, to;
    bool descriptors = false;
};

// All messages. A type that is used on several kinds of links has several rows with the same name.
constexpr std::array rows{
    Row{MessageType::ready, "ready", children, parent},
    Row{MessageType::ping, "ping", parent, children},
    Row{MessageType::pong, "pong", children, parent},
    Row{MessageType::stop, "stop", parent, children},
    Row{MessageType::pool_request, "pool-request", reg, parent},
    Row{MessageType::pool_sockets, "pool-sockets", parent, reg, true},
    Row{MessageType::peer_link, "peer-link", parent, children, true},
    Row{MessageType::name_update, "name-update", acr, reg | parent},
    Row{MessageType::look_up, "look-up", reg, apr},
    Row{MessageType::looked_up, "looked-up", apr, reg},
    Row{MessageType::query, "query", parent, children},
    Row{MessageType::query_result, "query-result", children, parent},
    Row{MessageType::link_lost, "link-lost", children, parent},
    Row{MessageType::drain, "drain", parent, reg},
    Row{MessageType::drained, "drained", reg, parent},
    Row{MessageType::failed, "failed", children, parent},
};

const Row* row_of(MessageType type) {
    for (const Row& row : rows)
        if (row.type == type) return &row;
    return nullptr;
}

}  // namespace

std::string_view to_string(Party party) {
    static constexpr std::array<std::string_view, party_count> names{"parent", "REG", "ACR", "APR"};
    const auto index = static_cast<std::size_t>(party);
    return index < names.size() ? names[index] : "unknown";
}

std::string_view to_string(MessageType type) {
    const Row* row = row_of(type);
    return row ? row->name : "unknown";
}

std::optional<MessageType> message_type(std::uint16_t number) {
    const auto type = static_cast<MessageType>(number);
    if (!row_of(type)) return std::nullopt;
    return type;
}

bool may_send(MessageType type, Party from, Party to) {
    for (const Row& row : rows)
        if (row.type == type && (row.from & only(from)) != 0 && (row.to & only(to)) != 0) return true;
    return false;
}

bool may_carry_descriptors(MessageType type) {
    const Row* row = row_of(type);
    return row && row->descriptors;
}

}  // namespace ipc
