#include "conf/words.hpp"

namespace conf {
namespace {

template <typename T>
std::string_view find(const Words<T>& words, T value) {
    for (const auto& known : words) {
        if (known.second == value) return known.first;
    }
    return "";
}

}  // namespace

const Words<base::LogTarget>& log_targets() {
    using base::LogTarget;
    static const Words<LogTarget> words{{"stderr", LogTarget::standard_error},
                                        {"syslog", LogTarget::syslog},
                                        {"automatic", LogTarget::automatic}};
    return words;
}

const Words<base::LogLevel>& log_levels() {
    using base::LogLevel;
    static const Words<LogLevel> words{
        {"error", LogLevel::error},   {"warning", LogLevel::warning}, {"notice", LogLevel::notice},
        {"normal", LogLevel::normal}, {"debug", LogLevel::debug},     {"trace", LogLevel::trace},
        {"full", LogLevel::full},     {"3", LogLevel::error},         {"4", LogLevel::warning},
        {"5", LogLevel::notice},      {"6", LogLevel::normal},        {"7", LogLevel::debug},
        {"8", LogLevel::trace},       {"9", LogLevel::full}};
    return words;
}

const Words<base::LogFormat>& log_formats() {
    static const Words<base::LogFormat> words{{"text", base::LogFormat::text},
                                              {"json", base::LogFormat::json}};
    return words;
}

const Words<StatusFormat>& status_formats() {
    static const Words<StatusFormat> words{{"text", StatusFormat::text},
                                           {"csv", StatusFormat::csv},
                                           {"tab", StatusFormat::tab},
                                           {"json", StatusFormat::json}};
    return words;
}

const Words<base::SyslogFailure>& syslog_failures() {
    using base::SyslogFailure;
    static const Words<SyslogFailure> words{{"ignore", SyslogFailure::ignore}, {"stop", SyslogFailure::stop}};
    return words;
}

const Words<Action>& actions() {
    static const Words<Action> words{{"accept", Action::accept}, {"deny", Action::deny}};
    return words;
}

const Words<SessionType>& session_types() {
    static const Words<SessionType> words{{"one-way", SessionType::one_way},
                                          {"normal", SessionType::normal},
                                          {"any-port", SessionType::any_port},
                                          {"any-sock", SessionType::any_sock},
                                          {"broadcast", SessionType::broadcast}};
    return words;
}

const Words<IcmpError>& icmp_errors() {
    static const Words<IcmpError> words{{"ignore", IcmpError::ignore}, {"close", IcmpError::close}};
    return words;
}

const Words<OnNameChange>& name_changes() {
    static const Words<OnNameChange> words{
        {"keep", OnNameChange::keep}, {"move", OnNameChange::move}, {"close", OnNameChange::close}};
    return words;
}

const Words<Transport>& transports() {
    static const Words<Transport> words{{"udp", Transport::udp}, {"tcp", Transport::tcp}};
    return words;
}

const Words<Families>& families() {
    static const Words<Families> words{
        {"both", Families::both}, {"ipv4", Families::v4}, {"ipv6", Families::v6}};
    return words;
}

const Words<OnCrashLoop>& crash_loop_actions() {
    static const Words<OnCrashLoop> words{{"throttle", OnCrashLoop::throttle}, {"end", OnCrashLoop::end}};
    return words;
}

const Words<ServerSide>& server_sides() {
    static const Words<ServerSide> words{
        {"own", ServerSide::own}, {"shared", ServerSide::shared}, {"auto", ServerSide::automatic}};
    return words;
}

const Words<OnHup>& hup_actions() {
    static const Words<OnHup> words{{"shutdown", OnHup::shutdown}, {"reload", OnHup::reload}};
    return words;
}

const Words<Sandbox>& sandbox_modes() {
    static const Words<Sandbox> words{
        {"auto", Sandbox::automatic}, {"required", Sandbox::required}, {"off", Sandbox::off}};
    return words;
}

std::string_view word_of(base::LogTarget value) {
    return find(log_targets(), value);
}
std::string_view word_of(base::LogLevel value) {
    return find(log_levels(), value);
}
std::string_view word_of(base::LogFormat value) {
    return find(log_formats(), value);
}
std::string_view word_of(StatusFormat value) {
    return find(status_formats(), value);
}
std::string_view word_of(base::SyslogFailure value) {
    return find(syslog_failures(), value);
}
std::string_view word_of(Action value) {
    return find(actions(), value);
}
std::string_view word_of(SessionType value) {
    return find(session_types(), value);
}
std::string_view word_of(IcmpError value) {
    return find(icmp_errors(), value);
}
std::string_view word_of(OnNameChange value) {
    return find(name_changes(), value);
}
std::string_view word_of(Transport value) {
    return find(transports(), value);
}
std::string_view word_of(Families value) {
    return find(families(), value);
}
std::string_view word_of(OnCrashLoop value) {
    return find(crash_loop_actions(), value);
}
std::string_view word_of(ServerSide value) {
    return find(server_sides(), value);
}
std::string_view word_of(OnHup value) {
    return find(hup_actions(), value);
}
std::string_view word_of(Sandbox value) {
    return find(sandbox_modes(), value);
}

}  // namespace conf
