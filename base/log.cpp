#include "base/log.hpp"

#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>

#include "base/log_budget.hpp"
#include "base/log_channels.hpp"
#include "base/log_format.hpp"
#include "base/log_sink_channel.hpp"
#include "base/log_sink_file.hpp"
#include "base/log_sink_syslog.hpp"
#include "base/log_wire.hpp"
#include "base/log_writer.hpp"

namespace base::log {
namespace {

/// The log of the process. Never destroyed: other objects' destructors may still log at exit.
struct State {
    LogSettings settings;
    std::string instance;
    bool foreground = false;
    std::atomic<int> level{static_cast<int>(LogLevel::normal)};
    Budget budget;
    std::shared_ptr<Sink> sink;
    std::mutex mutex;  ///< of the writer
    std::shared_ptr<Writer> writer;
    std::map<std::string, LineFormat, std::less<>> relayed;  ///< by role; of the last process with that role
};

State& state() {
    static auto* the_state = new State;
    return *the_state;
}

std::shared_ptr<Writer> writer() {
    const std::lock_guard lock(state().mutex);
    return state().writer;
}

void replace_writer(std::shared_ptr<Writer> next) {
    const std::lock_guard lock(state().mutex);
    state().writer.swap(next);
}

LogTarget target_of(const LogSettings& settings, bool foreground) {
    if (settings.target != LogTarget::automatic) return settings.target;
    return foreground ? LogTarget::standard_error : LogTarget::syslog;
}

std::shared_ptr<Sink> make_sink(const LogSettings& settings, bool foreground, int owner) {
    const LogTarget target = target_of(settings, foreground);
    if (target == LogTarget::standard_error) return std::make_shared<StandardErrorSink>();
    if (target == LogTarget::file) return std::make_shared<FileSink>(settings.path, owner);
    // Opened now: a child could no longer do it when syslog fails.
    std::unique_ptr<Sink> fallback;
    if (settings.on_syslog_failure == SyslogFailure::file)
        fallback = std::make_unique<FileSink>(settings.path, owner);
    return std::make_shared<SyslogSink>(settings.facility, settings.on_syslog_failure, std::move(fallback));
}

LineFormat make_format(std::string_view role) {
    Identity identity{state().instance, std::string(role), ::getpid()};
    if (state().sink->is_relayed()) return LineFormat::for_relay(std::move(identity));
    return {state().settings.format, std::move(identity)};
}

/// The form of lines that another process sends.
const LineFormat& relayed_format(std::string_view role, int pid) {
    auto& known = state().relayed;
    auto found = known.find(role);
    if (found != known.end() && found->second.identity().pid == pid) return found->second;
    if (found != known.end()) known.erase(found);
    LineFormat format(state().settings.format, {state().instance, std::string(role), pid});
    return known.emplace(std::string(role), std::move(format)).first->second;
}

void open_sink(std::shared_ptr<Sink> sink, const LogSettings& settings, std::string_view instance,
               bool foreground) {
    auto& own = state();
    replace_writer(nullptr);
    own.settings = settings;
    own.instance = instance;
    own.foreground = foreground;
    own.sink = std::move(sink);
    own.level = static_cast<int>(settings.level);
    own.budget.reset();
    own.relayed.clear();
    replace_writer(std::make_shared<Writer>(own.sink, make_format(""), false));
    detail::threshold = own.level.load();
}

std::string level_name(LogLevel level) {
    static constexpr const char* names[] = {"error", "warning", "notice", "normal", "debug", "trace", "full"};
    return names[static_cast<int>(level) - static_cast<int>(LogLevel::error)];
}

}  // namespace

namespace detail {

std::atomic<int> threshold{0};

void put_line(const Message& message, std::string_view text) {
    if (const auto to = writer()) to->write(message, to->format().message_body(text));
}

bool admit(const Message& message) {
    if (message.budget == 0) return true;
    const auto verdict = state().budget.ask(message, MonotonicClock::now());
    if (verdict.pass && verdict.suppressed > 0)
        put_line(msg::log_suppressed, fmt::format("{}: {} suppressed", message.id, verdict.suppressed));
    return verdict.pass;
}

}  // namespace detail

void open(const LogSettings& settings, std::string_view instance, bool foreground, int owner) {
    open_sink(make_sink(settings, foreground, owner), settings, instance, foreground);
}

void open(const LogSettings& settings, std::string_view instance, bool foreground, Channels& channels) {
    const bool standard_error = target_of(settings, foreground) == LogTarget::standard_error;
    open_sink(std::make_shared<ChannelSink>(channels, standard_error), settings, instance, foreground);
}

void relay(const WireLine& line, std::string_view role, int pid) {
    const auto to = writer();
    if (!to) return;
    const LineFormat& format = relayed_format(role, pid);
    const std::string body =
        line.is_record ? format.record_body(line.fields) : format.message_body(line.text);
    to->relay(format, {line.time, line.message->id, body});
}

void become(std::string_view role, bool background) {
    auto& own = state();
    if (!own.sink) return;
    // First the old writer goes: in the same process it writes out what it has, in a child it is left alone.
    replace_writer(nullptr);
    own.sink->after_fork(role);
    own.budget.reset();
    replace_writer(std::make_shared<Writer>(own.sink, make_format(role), false));
    // If no thread can be started, the writer above remains and logs why the process exits.
    if (!background) return;
    replace_writer(std::make_shared<Writer>(own.sink, make_format(role), true));
    own.sink->may_wait();
}

bool drain() {
    const auto to = writer();
    return to && to->drain(std::chrono::seconds(1));
}

void flush_and_close() {
    if (const auto old = writer()) old->finish(std::chrono::seconds(1));
}

void reopen() {
    const auto to = writer();
    if (!to) return;
    try {
        if (to->reopen()) write(msg::log_reopened, "log file reopened");
    } catch (const std::runtime_error& error) {
        write(msg::log_reopen_failed, "{}; the old file stays in use", error.what());
    }
}

LogLevel level() {
    return static_cast<LogLevel>(state().level.load());
}

void set_level(LogLevel level) {
    constexpr int lowest = static_cast<int>(LogLevel::error), highest = static_cast<int>(LogLevel::full);
    const int wanted = std::clamp(static_cast<int>(level), lowest, highest);
    const int before = state().level.exchange(wanted);
    if (detail::threshold == 0) return;
    detail::threshold = wanted;
    if (before == wanted) return;
    // Bypasses the level: otherwise a change down to level 4 would not be logged (K-16).
    if (!detail::admit(msg::log_level)) return;
    detail::put_line(msg::log_level, fmt::format("log level {} ({}), was {}", wanted,
                                                 level_name(static_cast<LogLevel>(wanted)), before));
}

void raise_level() {
    set_level(static_cast<LogLevel>(static_cast<int>(level()) + 1));
}
void lower_level() {
    set_level(static_cast<LogLevel>(static_cast<int>(level()) - 1));
}

bool is_relayed() {
    return state().sink && state().sink->is_relayed();
}

bool is_on_standard_error() {
    return state().sink && target_of(state().settings, state().foreground) == LogTarget::standard_error;
}

std::vector<int> descriptors() {
    return state().sink ? state().sink->descriptors() : std::vector<int>{};
}

std::uint64_t lost() {
    const auto to = writer();
    return to ? to->lost() : 0;
}

void write_line(const Message& message, std::string_view text) {
    if (enabled(message) && detail::admit(message)) detail::put_line(message, text);
}

void write_record(const Message& message, const std::vector<Field>& fields) {
    if (!enabled(message)) return;
    if (const auto to = writer()) to->write(message, to->format().record_body(fields));
}

void dump(std::string_view what, std::span<const std::byte> bytes) {
    if (detail::threshold < static_cast<int>(LogLevel::full)) return;
    const auto shown = bytes.first(std::min<std::size_t>(bytes.size(), state().settings.dump_limit));
    std::string text = fmt::format("{}: {} bytes:", what, bytes.size());
    for (const auto byte : shown)
        fmt::format_to(std::back_inserter(text), " {:02x}", static_cast<unsigned>(byte));
    if (shown.size() < bytes.size()) text += " …";
    detail::put_line(msg::trace, text);
}

}  // namespace base::log
