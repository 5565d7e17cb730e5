#pragma once

#include <cerrno>
#include <cstdint>
#include <optional>

#include "libudpserver/ipc/descriptors.hpp"
#include "libudpserver/ipc/message.hpp"

/// The messages, one struct each: `encode` writes the fields, `decode` reads them in the same order. A new
/// message is a struct here, a number in MessageType and a row in its table.
namespace ipc {

/// A child has begun its work; REG tells how many sessions it took over and how many it had to give up.
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

/// The proxy ends: close what you have, report it, end.
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

/// The answer: `count` descriptors come with it and have the pool indices from `first_index` on. None, and an
/// errno, when they cannot be had.
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

/// The message as a T, or nothing when it is none: another type, bytes missing or left over, or another
/// number of descriptors than it says. The caller then refuses the link (Channel::refuse).
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
