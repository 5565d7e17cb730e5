// A packet of a process that is not to be trusted: header, table, fields. Whatever the bytes are, nothing may
// crash; what is accepted must say the same when it is written again.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "libudpserver/ipc/messages.hpp"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

template <typename T>
void try_as(ipc::MessageType type, std::span<const std::byte> body) {
    ipc::Message message;
    message.type = type;
    message.body = ipc::Decoder(body);
    const auto value = ipc::read<T>(message);
    if (!value) return;
    require(type == T::type);
    ipc::Encoder again;
    value->encode(again);
    require(again.ok());
    require(again.data().size() == body.size());
    require(body.empty() || std::memcmp(again.data().data(), body.data(), body.size()) == 0);
}

// Reads fields in an order that the bytes themselves choose.
void read_fields(std::span<const std::byte> data) {
    if (data.size() < 8) return;
    const auto order = data.first(8);
    ipc::Decoder in(data.subspan(8));
    for (const std::byte choice : order) {
        switch (std::to_integer<unsigned>(choice) % 7) {
            case 0:
                in.u8();
                break;
            case 1:
                in.u16();
                break;
            case 2:
                in.u32();
                break;
            case 3:
                in.u64();
                break;
            case 4:
                require(in.bytes().size() <= data.size());
                break;
            case 5:
                require(in.string().size() <= data.size());
                break;
            case 6:
                in.endpoint();
                break;
        }
        if (!in.ok()) require(!in.done() && in.u64() == 0 && in.bytes().empty());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const auto data = std::as_bytes(std::span(bytes, size));
    read_fields(data);
    ipc::Decoder in(data);
    const auto header = ipc::decode_header(in);
    const auto type = ipc::message_type(header.type);
    if (!in.ok() || !type) return 0;
    const auto body = data.subspan(ipc::header_size);
    try_as<ipc::Ready>(*type, body);
    try_as<ipc::Ping>(*type, body);
    try_as<ipc::Pong>(*type, body);
    try_as<ipc::Stop>(*type, body);
    try_as<ipc::PoolRequest>(*type, body);
    try_as<ipc::PoolSockets>(*type, body);
    try_as<ipc::PeerLink>(*type, body);
    try_as<ipc::NameUpdate>(*type, body);
    try_as<ipc::LookupRequest>(*type, body);
    try_as<ipc::LookupReply>(*type, body);
    try_as<ipc::Query>(*type, body);
    try_as<ipc::QueryResult>(*type, body);
    try_as<ipc::LinkLost>(*type, body);
    try_as<ipc::Drain>(*type, body);
    try_as<ipc::Drained>(*type, body);
    try_as<ipc::Failed>(*type, body);
    return 0;
}
