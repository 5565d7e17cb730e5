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

/// The record types that are understood.
enum class RecordType : std::uint16_t { a = 1, ns = 2, cname = 5, soa = 6, ptr = 12, aaaa = 28 };
inline constexpr std::uint16_t class_in = 1;

/// The canonical form of a host name: lower case, without the trailing dot. Nothing unless it has labels of 1
/// to 63 letters, digits, `-` and `_`, and at most 253 characters.
std::optional<std::string> canonical_name(std::string_view text);

/// `5.2.0.192.in-addr.arpa`, `1.0....ip6.arpa`; empty for an empty address.
std::string reverse_name(const base::Address& address);

/// What makes a question hard to guess, from the kernel's random source.
struct Randomness {
    std::uint16_t id = 0;
    std::array<std::uint8_t, 32> letter_case{};  ///< one bit for each character of the name

    /// Throws std::system_error when the kernel has none.
    static Randomness fresh();
};

/// A question as it is sent. An answer is only accepted if it repeats the id and the question, including
/// which letters are upper case (0x20, K-61).
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
