#pragma once

#include "proxyctl/arguments.hpp"

/// Commands about the processes of an instance, and about their logs.
namespace proxyctl {

extern const Option kill_options[2];
extern const Option log_options[2];

int run_ps(Context& context, const Arguments& arguments);
int run_kill(Context& context, const Arguments& arguments);
int run_signal(Context& context, const Arguments& arguments);
int run_log(Context& context, const Arguments& arguments);
int run_info(Context& context, const Arguments& arguments);

/// REG, ACR, APR, parent, all, in the form the server wants; nothing for another word.
std::optional<std::string> role_of(std::string_view word);
/// `TERM` for `term`, `SIGTERM`; `INFO` for `PWR`. Nothing for one that a proxy does not handle.
std::optional<std::string> signal_of(std::string_view word);
/// A session's id: `SLOT.GENERATION`.
bool is_session_id(std::string_view word);

}  // namespace proxyctl
