#pragma once

#include <fcntl.h>

#include <catch2/catch.hpp>
#include <optional>

#include "libudpserver/ipc/messages.hpp"

/// The message as the receiver gets it. The bytes are the encoder's: it must live as long.
template <typename T>
ipc::Message received(const T& value, ipc::Encoder& out) {
    value.encode(out);
    REQUIRE(out.ok());
    ipc::Message message;
    message.type = T::type;
    message.body = ipc::Decoder(out.data());
    return message;
}

inline void add_descriptors(ipc::Message& message, int count) {
    for (int i = 0; i < count; ++i)
        message.descriptors.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

/// Every length but the right one is refused, and so is another type.
template <typename T>
void check_sizes(const T& value) {
    ipc::Encoder out;
    value.encode(out);
    const std::size_t size = out.data().size();
    out.u8(0);
    for (std::size_t length = 0; length <= size + 1; ++length) {
        ipc::Message message;
        message.type = T::type;
        message.body = ipc::Decoder(out.data().first(length));
        CHECK(ipc::read<T>(message).has_value() == (length == size));
    }
    ipc::Message other;
    other.type = T::type == ipc::MessageType::stop ? ipc::MessageType::ready : ipc::MessageType::stop;
    other.body = ipc::Decoder(out.data().first(size));
    CHECK_FALSE(ipc::read<T>(other));
}

/// The message that these bytes are, when they are one.
template <typename T>
std::optional<T> read_bytes(const ipc::Encoder& bytes) {
    ipc::Message message;
    message.type = T::type;
    message.body = ipc::Decoder(bytes.data());
    return ipc::read<T>(message);
}

/// What the receiver reads of it; nothing also when it cannot be written.
template <typename T>
std::optional<T> through(const T& value) {
    ipc::Encoder out;
    value.encode(out);
    if (!out.ok()) return std::nullopt;
    return read_bytes<T>(out);
}

template <typename T>
bool can_be_written(const T& value) {
    ipc::Encoder out;
    value.encode(out);
    return out.ok();
}
