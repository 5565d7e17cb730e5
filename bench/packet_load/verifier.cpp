#include "bench/packet_load/verifier.hpp"

#include <cstring>

namespace packet {

Verifier::Verifier(const Options& options, std::uint64_t nonce, Result& result)
    : flows_(options), nonce_(nonce), result_(result), clients_(options.flows), expected_(options.size) {}

void Verifier::write_next(std::uint32_t flow, std::uint64_t due, std::span<std::byte> out) {
    if (flow >= clients_.size()) clients_.resize(flow + 1);
    load::Payload{nonce_, flow, clients_[flow].next_sequence(), due}.write(out);
    clients_[flow].sent();
    ++result_.sent;
}

void Verifier::begin_measuring(std::uint64_t start) {
    start_ = start;
    result_ = {};
}

void Verifier::judge(const Datagram& datagram, std::uint64_t now) {
    if (!flows_.is_mine(datagram.path.to)) return;
    const auto flow = flows_.flow_of_reply(datagram.path);
    const auto payload = load::Payload::read(datagram.payload);
    if (!payload) {
        ++result_.corrupt;
    } else if (!flow || payload->nonce != nonce_ || payload->client != *flow || *flow >= clients_.size()) {
        ++result_.misdelivered;
    } else if (!is_intact(*payload, datagram.payload)) {
        ++result_.corrupt;
    } else if (!clients_[*flow].answered(payload->sequence)) {
        ++result_.duplicates;
    } else {
        accept(*payload, now);
    }
}

void Verifier::accept(const load::Payload& payload, std::uint64_t now) {
    if (payload.due < start_) {
        ++result_.late;
        return;
    }
    ++result_.received;
    result_.latency.add(now > payload.due ? now - payload.due : 0);
}

bool Verifier::is_intact(const load::Payload& payload, std::span<const std::byte> bytes) {
    if (payload.sequence >= clients_[payload.client].next_sequence() || bytes.size() != expected_.size())
        return false;
    payload.write(expected_);
    return std::memcmp(bytes.data(), expected_.data(), expected_.size()) == 0;
}

}  // namespace packet
