#pragma once

#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/lookup.hpp"
#include "libudpserver/ipc/descriptors.hpp"
#include "libudpserver/ipc/message.hpp"

/// The messages, one struct each: `encode` writes the fields, `decode` reads them in the same order. A new
/// message is a struct here, a number in MessageType and a row in its table.
namespace ipc {

/// A child is up; REG reports how many sessions it adopted and aborted.
struct Ready {
    static constexpr MessageType type = MessageType::ready;
    std::uint32_t adopted = 0;
    std::uint32_t aborted = 0;

    void encode(Encoder& out) const { out.u32(adopted).u32(aborted); }
    static Ready decode(Decoder& in);
};

/// The heartbeat: a child answers each Ping with a Pong of the same sequence.
struct Ping {
    static constexpr MessageType type = MessageType::ping;
    std::uint32_t sequence = 0;

    void encode(Encoder& out) const { out.u32(sequence); }
    static Ping decode(Decoder& in) { return {in.u32()}; }
};

struct Pong {
    static constexpr MessageType type = MessageType::pong;
    std::uint32_t sequence = 0;

    void encode(Encoder& out) const { out.u32(sequence); }
    static Pong decode(Decoder& in) { return {in.u32()}; }
};

/// proxyd shuts down: close and record all sessions, then exit.
struct Stop {
    static constexpr MessageType type = MessageType::stop;

    void encode(Encoder&) const {}
    static Stop decode(Decoder&) { return {}; }
};

/// REG asks for `count` more server-side sockets of a pool group.
struct PoolRequest {
    static constexpr MessageType type = MessageType::pool_request;
    std::uint16_t group = 0;
    std::uint8_t worker = 0;
    std::uint16_t count = 0;

    void encode(Encoder& out) const { out.u16(group).u8(worker).u16(count); }
    static PoolRequest decode(Decoder& in);
};

/// The answer: `count` descriptors with pool indices from `first_index` on, or none and an errno.
struct PoolSockets {
    static constexpr MessageType type = MessageType::pool_sockets;
    std::uint16_t group = 0;
    std::uint8_t worker = 0;
    std::uint32_t first_index = 0;
    std::uint16_t count = 0;
    std::int32_t error = 0;

    void encode(Encoder& out) const { out.u16(group).u8(worker).u32(first_index).u16(count).i32(error); }
    static PoolSockets decode(Decoder& in);

    [[nodiscard]] std::size_t descriptor_count() const { return count; }
    void descriptors_lost() {
        count = 0;
        error = EMFILE;
    }
};

/// One end of a new link to another child: it replaces the old one, whose peer has exited.
struct PeerLink {
    static constexpr MessageType type = MessageType::peer_link;
    Party peer = Party::parent;
    bool lost = false;  ///< the descriptor could not be received: there is no link

    void encode(Encoder& out) const { out.u8(static_cast<std::uint8_t>(peer)); }
    static PeerLink decode(Decoder& in);

    [[nodiscard]] std::size_t descriptor_count() const { return lost ? 0 : 1; }
    void descriptors_lost() { lost = true; }
};

/// A child has closed its link to another one and asks for a new link.
struct LinkLost {
    static constexpr MessageType type = MessageType::link_lost;
    Party peer = Party::parent;

    void encode(Encoder& out) const { out.u8(static_cast<std::uint8_t>(peer)); }
    static LinkLost decode(Decoder& in);
};

/// A graceful shutdown has begun: open no more sessions.
struct Drain {
    static constexpr MessageType type = MessageType::drain;

    void encode(Encoder&) const {}
    static Drain decode(Decoder&) { return {}; }
};

/// The last session has closed.
struct Drained {
    static constexpr MessageType type = MessageType::drained;

    void encode(Encoder&) const {}
    static Drained decode(Decoder&) { return {}; }
};

/// The longest list of addresses or names in a message: twice what resolvers read from one answer, for both
/// families. A longer one is not sent (SendResult::refused).
inline constexpr std::size_t max_results = 64;
/// The longest name in a message, in bytes; longer ones are not sent. A detail is truncated.
inline constexpr std::size_t max_text = 512;

/// The addresses of a configured name from now on, the whole list (K-64).
struct NameUpdate {
    static constexpr MessageType type = MessageType::name_update;
    std::string name;
    /// The look-up failed: addresses that are known already stay in use, otherwise the name has none (K-55).
    bool unresolved = false;
    std::vector<base::Address> addresses;

    void encode(Encoder& out) const;
    static NameUpdate decode(Decoder& in);
};

/// A child is about to exit for this reason; it is truncated to max_text.
struct Failed {
    static constexpr MessageType type = MessageType::failed;
    std::string reason;

    void encode(Encoder& out) const;
    static Failed decode(Decoder& in);
};

/// REG asks APR for addresses or confirmed names. Only name, address and time-out are sent.
struct LookupRequest : base::Lookup {
    static constexpr MessageType type = MessageType::look_up;

    void encode(Encoder& out) const;
    static LookupRequest decode(Decoder& in);
};

/// APR's answer, complete but for `found_as`.
struct LookupReply : base::LookupAnswer {
    static constexpr MessageType type = MessageType::looked_up;

    void encode(Encoder& out) const;
    static LookupReply decode(Decoder& in);
};

/// The longest request or piece of an answer of the control protocol, in bytes.
inline constexpr std::size_t max_query_text = max_packet - 256;

/// A request of a control client that a child answers (doc/design.md, Control). The child keeps no state:
/// `cursor` is where the last piece of the answer ended, 0 at the beginning.
struct Query {
    static constexpr MessageType type = MessageType::query;
    std::uint64_t cursor = 0;
    std::string text;  ///< one JSON object

    void encode(Encoder& out) const { out.u64(cursor).string(text); }
    static Query decode(Decoder& in);
};

/// A piece of the answer: whole lines. `next` is the cursor of the next piece, 0 after the last one.
struct QueryResult {
    static constexpr MessageType type = MessageType::query_result;
    std::uint64_t next = 0;
    std::string text;

    void encode(Encoder& out) const { out.u64(next).string(text); }
    static QueryResult decode(Decoder& in);
};

/// The message as a T; nothing for another type, missing or extra bytes, or a wrong number of descriptors.
/// The caller then closes the link (Channel::refuse).
template <typename T>
std::optional<T> read(Message& message) {
    if (message.type != T::type) return std::nullopt;
    T value = T::decode(message.body);
    if (!message.body.done()) return std::nullopt;
    std::size_t expected = 0;
    if constexpr (requires { value.descriptor_count(); }) {
        if (message.descriptors_lost) value.descriptors_lost();
        expected = value.descriptor_count();
    }
    if (message.descriptors.size() != expected) return std::nullopt;
    return value;
}

}  // namespace ipc
