#include "resolvers/dns_reader.hpp"

#include <algorithm>
#include <iterator>

#include "base/text.hpp"

namespace resolvers {
namespace {

constexpr std::size_t max_name_on_wire = 255;
constexpr std::uint8_t pointer_bits = 0xc0;

char lower_case(std::uint8_t byte) {
    return base::lower(static_cast<char>(byte));
}

}  // namespace

bool DnsReader::take(std::size_t count) {
    if (!ok_ || at_ > message_.size() || message_.size() - at_ < count) ok_ = false;
    return ok_;
}

std::uint8_t DnsReader::u8() {
    return take(1) ? message_[at_++] : std::uint8_t{0};
}

std::uint16_t DnsReader::u16() {
    if (!take(2)) return 0;
    at_ += 2;
    return static_cast<std::uint16_t>(message_[at_ - 2] << 8 | message_[at_ - 1]);
}

std::uint32_t DnsReader::u32() {
    const std::uint32_t high = u16();
    return high << 16 | u16();
}

std::span<const std::uint8_t> DnsReader::bytes(std::size_t count) {
    if (!take(count)) return {};
    at_ += count;
    return message_.subspan(at_ - count, count);
}

std::string DnsReader::name() {
    std::string labels;
    std::size_t lowest = at_;  // a pointer must lead below this
    std::size_t after = 0;     // where the name ends at its own place, once a pointer was followed
    while (const std::uint8_t length = u8()) {
        if ((length & pointer_bits) == pointer_bits) {
            const std::size_t target = static_cast<std::size_t>(length & ~pointer_bits) << 8 | u8();
            if (after == 0) after = at_;
            if (target >= lowest) ok_ = false;
            lowest = at_ = target;
            continue;
        }
        const auto label = bytes(length);
        if ((length & pointer_bits) != 0 || labels.size() + length + 2 > max_name_on_wire) ok_ = false;
        if (!ok_) break;
        labels += static_cast<char>(length);
        std::transform(label.begin(), label.end(), std::back_inserter(labels), lower_case);
    }
    if (!ok_) return {};
    if (after != 0) at_ = after;
    return labels;
}

std::string dotted(const std::string& labels) {
    std::string text;
    for (std::size_t at = 0; at < labels.size();) {
        const std::size_t end = at + 1 + static_cast<std::uint8_t>(labels[at]);
        if (at != 0) text += '.';
        for (++at; at < end; ++at) {
            if (labels[at] == '.') text += '\\';
            text += labels[at];
        }
    }
    return text;
}

}  // namespace resolvers
