#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conf/config.hpp"

/// The words of the file for the values of enumerations: the one place where both are named, for the readers
/// and for the printer.
namespace conf {

template <typename T>
using Words = std::vector<std::pair<std::string, T>>;

const Words<base::LogTarget>& log_targets();
const Words<base::LogLevel>& log_levels();
const Words<base::LogFormat>& log_formats();
const Words<StatusFormat>& status_formats();
const Words<base::SyslogFailure>& syslog_failures();
const Words<Action>& actions();
const Words<SessionType>& session_types();
const Words<IcmpError>& icmp_errors();
const Words<OnNameChange>& name_changes();
const Words<Transport>& transports();
const Words<Families>& families();
const Words<OnCrashLoop>& crash_loop_actions();
const Words<ServerSide>& server_sides();
const Words<OnHup>& hup_actions();
const Words<Sandbox>& sandbox_modes();

std::string_view word_of(base::LogTarget value);
std::string_view word_of(base::LogLevel value);
std::string_view word_of(base::LogFormat value);
std::string_view word_of(StatusFormat value);
std::string_view word_of(base::SyslogFailure value);
std::string_view word_of(Action value);
std::string_view word_of(ServerSide value);
std::string_view word_of(SessionType value);
std::string_view word_of(IcmpError value);
std::string_view word_of(OnNameChange value);
std::string_view word_of(Transport value);
std::string_view word_of(Families value);
std::string_view word_of(OnCrashLoop value);
std::string_view word_of(OnHup value);
std::string_view word_of(Sandbox value);

}  // namespace conf
