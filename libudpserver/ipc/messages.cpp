#include "libudpserver/ipc/messages.hpp"

namespace ipc {
namespace {

void encode_address(Encoder& out, const base::Address& address) {
    out.endpoint({address, 0});
}

void encode_text(Encoder& out, const std::string& text) {
    if (text.size() > max_text) out.fail();
    out.string(text);
}

// The reader closes the link for a longer list.
template <typename Element>
void encode_list(Encoder& out, const std::vector<Element>& list, void (*write)(Encoder&, const Element&)) {
    if (list.size() > max_results) return out.fail();
    out.u16(static_cast<std::uint16_t>(list.size()));
    for (const Element& element : list)
        write(out, element);
}

/// An address never has a port.
base::Address decode_address(Decoder& in) {
    const base::Endpoint endpoint = in.endpoint();
    if (endpoint.port != 0) in.fail();
    return endpoint.address();
}

/// An element of a list: not none.
base::Address decode_result(Decoder& in) {
    const base::Address address = decode_address(in);
    if (address.family == base::Family::none) in.fail();
    return address;
}

std::string decode_text(Decoder& in) {
    std::string text = in.string();
    if (text.size() > max_text) in.fail();
    return text;
}

/// Stops at the first invalid element, so a false count costs nothing.
template <typename Element>
std::vector<Element> decode_list(Decoder& in, Element (*read)(Decoder&)) {
    std::vector<Element> list;
    const std::size_t count = in.u16();
    if (count > max_results) in.fail();
    while (in.ok() && list.size() < count)
        list.push_back(read(in));
    return list;
}

/// Far longer than any duration in use; adding a longer one to a time could overflow.
constexpr std::uint64_t max_duration_ms = std::uint64_t{1} << 40;

void encode_duration(Encoder& out, base::Duration duration) {
    const auto count = static_cast<std::uint64_t>(duration.count());
    if (count > max_duration_ms) out.fail();  // also if negative
    out.u64(count);
}

base::Duration decode_duration(Decoder& in) {
    const std::uint64_t count = in.u64();
    if (count > max_duration_ms) in.fail();
    return base::Duration{in.ok() ? static_cast<base::Duration::rep>(count) : 0};
}

Party decode_child(Decoder& in) {
    const std::uint8_t child = in.u8();
    if (child >= party_count || child == static_cast<std::uint8_t>(Party::parent)) in.fail();
    return static_cast<Party>(child);
}

}  // namespace

Ready Ready::decode(Decoder& in) {
    Ready value;
    value.adopted = in.u32();
    value.aborted = in.u32();
    return value;
}

PoolRequest PoolRequest::decode(Decoder& in) {
    PoolRequest value;
    value.group = in.u16();
    value.worker = in.u8();
    value.count = in.u16();
    return value;
}

PoolSockets PoolSockets::decode(Decoder& in) {
    PoolSockets value;
    value.group = in.u16();
    value.worker = in.u8();
    value.first_index = in.u32();
    value.count = in.u16();
    value.error = in.i32();
    if (value.count > max_descriptors) in.fail();
    return value;
}

PeerLink PeerLink::decode(Decoder& in) {
    return {decode_child(in)};
}

LinkLost LinkLost::decode(Decoder& in) {
    return {decode_child(in)};
}

void NameUpdate::encode(Encoder& out) const {
    encode_text(out, name);
    out.u8(unresolved ? 1 : 0);
    encode_list(out, addresses, encode_address);
}

NameUpdate NameUpdate::decode(Decoder& in) {
    NameUpdate value;
    value.name = decode_text(in);
    const std::uint8_t unresolved = in.u8();
    if (unresolved > 1) in.fail();
    value.unresolved = unresolved == 1;
    value.addresses = decode_list(in, decode_result);
    if (value.unresolved && !value.addresses.empty()) in.fail();
    return value;
}

void LookupRequest::encode(Encoder& out) const {
    encode_text(out, name);
    encode_address(out, address);
    encode_duration(out, timeout);
}

LookupRequest LookupRequest::decode(Decoder& in) {
    LookupRequest value;
    value.name = decode_text(in);
    value.address = decode_address(in);
    value.timeout = decode_duration(in);
    if (value.name.empty() && value.address.family == base::Family::none) in.fail();
    return value;
}

void LookupReply::encode(Encoder& out) const {
    out.u8(static_cast<std::uint8_t>(status));
    encode_list(out, addresses, encode_address);
    encode_list(out, names, encode_text);
    encode_duration(out, ttl);
    out.string(std::string_view(detail).substr(0, max_text));
}

void Failed::encode(Encoder& out) const {
    out.string(std::string_view(reason).substr(0, max_text));
}

Failed Failed::decode(Decoder& in) {
    return {decode_text(in)};
}

LookupReply LookupReply::decode(Decoder& in) {
    LookupReply value;
    const std::uint8_t status = in.u8();
    if (status >= base::lookup_statuses) in.fail();
    value.status = static_cast<base::LookupAnswer::Status>(status);
    value.addresses = decode_list(in, decode_result);
    value.names = decode_list(in, decode_text);
    value.ttl = decode_duration(in);
    value.detail = decode_text(in);
    return value;
}

Query Query::decode(Decoder& in) {
    Query value;
    value.cursor = in.u64();
    value.text = in.string();
    if (value.text.size() > max_query_text) in.fail();
    return value;
}

QueryResult QueryResult::decode(Decoder& in) {
    QueryResult value;
    value.next = in.u64();
    value.text = in.string();
    if (value.text.size() > max_query_text) in.fail();
    return value;
}

}  // namespace ipc
