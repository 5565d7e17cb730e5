#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/endpoint.hpp"
#include "resolvers/dns_question.hpp"

/// Makes answers by hand, right and wrong ones.
using Bytes = std::vector<std::uint8_t>;

inline void put_u16(Bytes& out, unsigned value) {
    out.push_back(static_cast<std::uint8_t>(value >> 8));
    out.push_back(static_cast<std::uint8_t>(value));
}

inline Bytes wire_name(std::string_view name) {
    Bytes out;
    while (!name.empty()) {
        const auto label = name.substr(0, name.find('.'));
        out.push_back(static_cast<std::uint8_t>(label.size()));
        out.insert(out.end(), label.begin(), label.end());
        name.remove_prefix(std::min(label.size() + 1, name.size()));
    }
    out.push_back(0);
    return out;
}

inline Bytes wire_address(std::string_view text) {
    const auto address = base::parse_address(text).value();
    return {address.bytes.begin(), address.bytes.begin() + (address.family == base::Family::v4 ? 4 : 16)};
}

/// An answer to a question packet. Records go into the answer section until authority() is called.
class Reply {
public:
    explicit Reply(const Bytes& question) : packet_(question) { flags(0x8180); }

    Reply& id(unsigned value) { return set(0, value); }
    Reply& flags(unsigned value) { return set(2, value); }
    Reply& rcode(unsigned value) { return flags(0x8180 | value); }
    Reply& count(unsigned section, unsigned value) { return set(4 + 2 * section, value); }
    /// The other letter case in every letter of the question.
    Reply& other_case() {
        for (std::size_t i = 13; i + 5 < packet_.size() && packet_[i] != 0; ++i)
            if ((packet_[i] | 0x20) >= 'a' && (packet_[i] | 0x20) <= 'z')
                packet_[i] = static_cast<std::uint8_t>(packet_[i] ^ 0x20);
        return *this;
    }
    Reply& authority() {
        section_ = 2;
        return *this;
    }

    Reply& record(const Bytes& owner, unsigned type, std::uint32_t ttl, const Bytes& data,
                  unsigned klass = 1) {
        packet_.insert(packet_.end(), owner.begin(), owner.end());
        put_u16(packet_, type);
        put_u16(packet_, klass);
        put_u16(packet_, ttl >> 16);
        put_u16(packet_, ttl & 0xffff);
        put_u16(packet_, static_cast<unsigned>(data.size()));
        packet_.insert(packet_.end(), data.begin(), data.end());
        const std::size_t at = 4 + 2 * section_;
        return count(static_cast<unsigned>(section_), (packet_[at] << 8 | packet_[at + 1]) + 1u);
    }
    Reply& a(std::string_view owner, std::string_view address, std::uint32_t ttl = 60) {
        return record(wire_name(owner), 1, ttl, wire_address(address));
    }
    Reply& aaaa(std::string_view owner, std::string_view address, std::uint32_t ttl = 60) {
        return record(wire_name(owner), 28, ttl, wire_address(address));
    }
    Reply& cname(std::string_view owner, std::string_view target, std::uint32_t ttl = 60) {
        return record(wire_name(owner), 5, ttl, wire_name(target));
    }
    Reply& ptr(std::string_view owner, std::string_view target, std::uint32_t ttl = 60) {
        return record(wire_name(owner), 12, ttl, wire_name(target));
    }
    Reply& soa(std::string_view owner, std::uint32_t ttl, std::uint32_t minimum) {
        Bytes data = wire_name("ns." + std::string(owner));
        const Bytes mail = wire_name("hostmaster." + std::string(owner));
        data.insert(data.end(), mail.begin(), mail.end());
        data.insert(data.end(), 16, 0);
        put_u16(data, minimum >> 16);
        put_u16(data, minimum & 0xffff);
        return record(wire_name(owner), 6, ttl, data);
    }
    Reply& raw(const Bytes& bytes) {
        packet_.insert(packet_.end(), bytes.begin(), bytes.end());
        return *this;
    }

    [[nodiscard]] const Bytes& packet() const { return packet_; }

private:
    Reply& set(std::size_t at, unsigned value) {
        packet_[at] = static_cast<std::uint8_t>(value >> 8);
        packet_[at + 1] = static_cast<std::uint8_t>(value);
        return *this;
    }

    Bytes packet_;
    std::size_t section_ = 1;
};
