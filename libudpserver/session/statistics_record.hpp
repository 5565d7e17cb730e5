#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "conf/config.hpp"
#include "libudpserver/session/record.hpp"

namespace session {

/// Kernun's STATUS: whether the client was accepted or refused, or the proxy could not serve it.
[[nodiscard]] std::string_view status_of(const Record& record);
/// Kernun's RESULT: OK, FAILED or ABORTED, by the table in statistics_record.cpp.
[[nodiscard]] std::string_view result_of(const Record& record);
/// The service on a UDP port for SERVER-PORT-NAME, `domain` for 53; empty when it has no well-known name.
/// From a built-in table: a look-up in /etc/services could block, and would differ between machines.
[[nodiscard]] std::string_view port_name(std::uint16_t port);
/// `one-way`, `normal`, `any-port`, `any-sock`, `broadcast`.
[[nodiscard]] std::string_view to_string(conf::SessionType type);

/// The contents of a statistics record (K-67).
struct StatisticsRecord {
    std::string_view proxy;
    base::Endpoint client, local, server;
    Counters counters;
    base::Duration duration{0};
    std::string_view status, result, rule, reason, type;
    std::string session;  ///< `slot.generation`, empty for refused datagrams
};
/// In Kernun's order, then ours: REASON LISTENER SESSION TYPE DATAGRAMS-CIN -COUT -SIN -SOUT.
[[nodiscard]] std::vector<base::log::Field> fields_of(const StatisticsRecord& summary);

/// The statistics record of a session (K-66, K-67). `rule` is null when the policy no longer has it.
/// `client_name` (log.names) may be empty; without it there is no such field.
[[nodiscard]] std::vector<base::log::Field> session_fields(
    const Record& record, Slot slot, const conf::Rule* rule, std::string_view proxy, base::Instant now,
    const std::optional<std::string>& client_name = std::nullopt);

}  // namespace session
