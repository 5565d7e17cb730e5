#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/endpoint.hpp"

namespace resolvers {

/// The record types that we understand.
enum class RecordType : std::uint16_t { a = 1, ns = 2, cname = 5, soa = 6, ptr = 12, aaaa = 28 };

/// The name in its one form: lower case, no dot at the end. Nothing for what cannot be a host's name: labels
/// of 1 to 63 letters, digits, `-` and `_`, 253 characters in all.
std::optional<std::string> canonical_name(std::string_view text);

/// `5.2.0.192.in-addr.arpa`, `1.0....ip6.arpa`; empty for no address.
std::string reverse_name(const base::Address& address);

/// What makes a question hard to guess; all of it from the kernel's random source.
struct Randomness {
    std::uint16_t id = 0;
    std::array<std::uint8_t, 32> letter_case{};  ///< one bit for each character of the name

    /// Throws std::system_error when the kernel has none.
    static Randomness fresh();
};

/// One question as it is sent, and all that an answer must repeat to be believed (K-61): the id and the
/// question itself, including which of its letters are upper case (0x20).
class DnsQuestion {
public:
    /// `name` is canonical, or empty for the root.
    DnsQuestion(std::string_view name, RecordType type, const Randomness& randomness);

    [[nodiscard]] std::uint16_t id() const;
    [[nodiscard]] RecordType type() const { return type_; }
    [[nodiscard]] const std::vector<std::uint8_t>& packet() const { return packet_; }
    /// Where the question ends in the packet, and in every answer to it.
    [[nodiscard]] std::size_t size() const { return packet_.size(); }

private:
    void put_u16(std::uint16_t value);

    RecordType type_;
    std::vector<std::uint8_t> packet_;
};

}  // namespace resolvers
