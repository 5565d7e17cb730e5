#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "base/log_format.hpp"

namespace base::log {

/// A line as a packet, on its way from the process that logs to the one that writes (LOG). It holds the raw
/// text or fields: LOG escapes and formats them, so that a sender that was taken over cannot forge the form.
struct WireLine {
    std::chrono::system_clock::time_point time;
    std::string role;  ///< that the sender claims
    const Message* message = nullptr;
    bool is_record = false;
    std::string_view text;      ///< of a message; in the packet
    std::vector<Field> fields;  ///< of a record; their keys are in the packet
};

/// The longest packet.
inline constexpr std::size_t max_wire_packet = 64 * 1024;

/// The bodies of packets. Both are cut to what a line can hold.
std::string wire_message(std::string_view text);
std::string wire_record(const std::vector<Field>& fields);

/// A whole packet; the body of `line` is one of the above.
std::string wire_packet(const Line& line, std::string_view role);

/// Nothing if the packet is malformed, or its id is not in the catalogue. The packet must outlive the line.
std::optional<WireLine> parse_wire(std::span<const char> packet);

}  // namespace base::log
