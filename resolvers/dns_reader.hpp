#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace resolvers {

/// Reads a DNS message from a given offset. Reading beyond its end fails permanently: then every value is 0
/// or empty and ok() is false.
class DnsReader {
public:
    DnsReader(std::span<const std::uint8_t> message, std::size_t at) : message_(message), at_(at) {}

    std::uint8_t u8();
    std::uint16_t u16();
    std::uint32_t u32();
    std::span<const std::uint8_t> bytes(std::size_t count);

    /// A name in lower case, as labels with their lengths before them and without the root: two names are
    /// equal if these strings are. A compression pointer must point before all earlier ones, so no chain is
    /// endless.
    std::string name();

    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] bool at_end() const { return at_ == message_.size(); }
    [[nodiscard]] std::size_t at() const { return at_; }
    void fail() { ok_ = false; }

private:
    bool take(std::size_t count);

    std::span<const std::uint8_t> message_;
    std::size_t at_;
    bool ok_ = true;
};

/// `\3www\7example` as `www.example`. A dot inside a label gets a backslash; other bytes are unchanged.
std::string dotted(const std::string& labels);

}  // namespace resolvers
