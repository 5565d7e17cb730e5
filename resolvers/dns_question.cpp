#include "resolvers/dns_question.hpp"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/text.hpp"

namespace resolvers {
namespace {

constexpr std::size_t max_name = 253, max_label = 63;
constexpr std::uint16_t recursion_desired = 0x0100;

bool is_letter(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
}

bool is_allowed(char character) {
    return is_letter(character) || (character >= '0' && character <= '9') || character == '-' ||
           character == '_' || character == '.';
}

bool labels_fit(std::string_view name) {
    while (true) {
        const auto length = std::min(name.find('.'), name.size());
        if (length == 0 || length > max_label) return false;
        if (length == name.size()) return true;
        name.remove_prefix(length + 1);
    }
}

std::string reverse_v4(const base::Address& address) {
    std::string name;
    for (std::size_t i = 4; i-- > 0;)
        name += std::to_string(address.bytes[i]) + '.';
    return name + "in-addr.arpa";
}

std::string reverse_v6(const base::Address& address) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string name;
    for (std::size_t i = 16; i-- > 0;)
        name += {digits[address.bytes[i] & 15u], '.', digits[address.bytes[i] >> 4], '.'};
    return name + "ip6.arpa";
}

}  // namespace

std::optional<std::string> canonical_name(std::string_view text) {
    if (text.ends_with('.')) text.remove_suffix(1);
    if (text.size() > max_name || !std::all_of(text.begin(), text.end(), is_allowed)) return std::nullopt;
    if (!labels_fit(text)) return std::nullopt;
    return base::lower(text);
}

std::string reverse_name(const base::Address& address) {
    switch (address.family) {
        case base::Family::v4:
            return reverse_v4(address);
        case base::Family::v6:
            return reverse_v6(address);
        case base::Family::none:
            break;
    }
    return {};
}

Randomness Randomness::fresh() {
    std::array<std::uint8_t, 34> bytes;
    ssize_t got;
    do {
        got = ::getrandom(bytes.data(), bytes.size(), 0);
    } while (got < 0 && errno == EINTR);
    // Up to 256 bytes are returned all at once or not at all.
    if (got != static_cast<ssize_t>(bytes.size()))
        throw std::system_error(errno, std::generic_category(), "getrandom");
    Randomness randomness;
    randomness.id = static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
    std::copy(bytes.begin() + 2, bytes.end(), randomness.letter_case.begin());
    return randomness;
}

DnsQuestion::DnsQuestion(std::string_view name, RecordType type, const Randomness& randomness) : type_(type) {
    // No EDNS: an answer of more than 512 bytes comes by TCP, so there are no fragments to forge.
    for (const std::uint16_t field : {randomness.id, recursion_desired, std::uint16_t{1}})
        put_u16(field);
    for (int section = 0; section < 3; ++section)
        put_u16(0);
    std::size_t length_at = packet_.size();
    if (!name.empty()) packet_.push_back(0);
    for (std::size_t i = 0; i < name.size(); ++i) {
        if (name[i] == '.') {
            length_at = packet_.size();
            packet_.push_back(0);
            continue;
        }
        const bool upper = is_letter(name[i]) && (randomness.letter_case[i / 8] >> i % 8 & 1) != 0;
        packet_.push_back(static_cast<std::uint8_t>(upper ? name[i] & ~0x20 : name[i]));
        ++packet_[length_at];
    }
    packet_.push_back(0);
    put_u16(static_cast<std::uint16_t>(type));
    put_u16(class_in);
}

std::uint16_t DnsQuestion::id() const {
    return static_cast<std::uint16_t>(packet_[0] << 8 | packet_[1]);
}

void DnsQuestion::put_u16(std::uint16_t value) {
    packet_.push_back(static_cast<std::uint8_t>(value >> 8));
    packet_.push_back(static_cast<std::uint8_t>(value));
}

}  // namespace resolvers
