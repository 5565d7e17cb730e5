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

/// Kernun's STATUS: was the client let in, kept out, or did the proxy fail to serve it.
[[nodiscard]] std::string_view status_of(const Record& record);
/// Kernun's RESULT: OK, FAILED or ABORTED, by the table in session_record.cpp.
[[nodiscard]] std::string_view result_of(const Record& record);
/// `one-way`, `normal`, `any-port`, `any-sock`, `broadcast`.
[[nodiscard]] std::string_view to_string(conf::SessionType type);

/// The fields of a statistics record that say who talked to whom, and how it ended (K-67).
struct SessionSummary {
    std::string_view proxy;
    base::Endpoint client, local, server;
    Counters counters;
    base::Duration duration{0};
    std::string_view status, result, rule, reason, type;
    std::string session;  ///< `slot.generation`, empty for refused datagrams
};
/// In Kernun's order, then ours: REASON LISTENER SESSION TYPE DATAGRAMS-CIN -COUT -SIN -SOUT.
[[nodiscard]] std::vector<base::log::Field> summary_fields(const SessionSummary& summary);

/// The statistics record of a session (K-66, K-67). `rule` may be null when the policy no longer has it.
/// `client_name` is a field only when it is there (log.names), and may be empty.
[[nodiscard]] std::vector<base::log::Field> session_fields(
    const Record& record, Slot slot, const conf::Rule* rule, std::string_view proxy, base::Instant now,
    const std::optional<std::string>& client_name = std::nullopt);

}  // namespace session
