#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "libudpserver/session/record.hpp"

namespace session {

/// `10.0.0.0/8`, `10.0.0.1`, `10.0.0.1:53`, `[2001:db8::1]:53`: hosts, and perhaps one port.
class EndpointFilter {
public:
    /// nullopt for any other text.
    static std::optional<EndpointFilter> parse(std::string_view text);
    [[nodiscard]] bool matches(const Endpoint& endpoint) const;
    /// The address, if there is only one.
    [[nodiscard]] std::optional<base::Address> single() const {
        return first_ == last_ ? std::optional(first_) : std::nullopt;
    }

private:
    base::Address first_, last_;
    std::optional<std::uint16_t> port_;
};

/// Selects sessions; members without a value match any session.
struct SessionFilter {
    std::optional<EndpointFilter> client, local, server;
    std::optional<std::uint16_t> rule, listener;
    std::optional<conf::SessionType> type;
    std::optional<bool> answered;
    Duration older{0};  ///< minimum age
    Duration idle{0};   ///< minimum time without a datagram

    [[nodiscard]] bool matches(const Record& record, Instant now) const;
};

/// `SLOT.GENERATION`, what logs and proxyctl call a session.
struct SessionId {
    Slot slot = none;
    std::uint32_t generation = 0;
    /// nullopt for any other text.
    static std::optional<SessionId> parse(std::string_view text);
};

}  // namespace session
