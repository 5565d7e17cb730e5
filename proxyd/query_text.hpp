#pragma once

#include <string>

#include "conf/config.hpp"
#include "libudpserver/control/request.hpp"
#include "libudpserver/control/row.hpp"
#include "libudpserver/session/session_engine.hpp"

/// REG's part of the control protocol: arguments of requests, and rows of answers.
namespace proxyd {

/// `from`, `to`, `server`, `rule`, `type`, `state`, `older_ms`, `idle_ms`. Throws control::Failure.
session::SessionFilter filter_of(const control::Request& request, const conf::Config& config);
/// `id`. Throws control::Failure.
session::SessionId id_of(const control::Request& request);
/// `client`, `local`, `dscp`, `time`. Throws control::Failure.
policy::Question question_of(const control::Request& request, const conf::Config& config);

control::Row row_of(const session::Found& found, const conf::Config& config, session::Instant now);
control::Row row_of(const session::Details& details, const conf::Config& config);
control::Row row_of(const session::Event& event, const conf::Config& config, session::Instant now);
control::Row row_of(const policy::SessionAcl::Step& step, const conf::Config& config);
/// The row after the steps.
control::Row decision_of(const session::Explanation& explanation, const conf::Config& config);

}  // namespace proxyd
