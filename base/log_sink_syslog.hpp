#pragma once

#include <memory>
#include <optional>

#include "base/clock.hpp"
#include "base/log_sink.hpp"

namespace base::log {

/// The local syslog daemon, over a socket of our own that is connected once and never waits: syslog(3) would
/// block when the daemon is slow (K-69). The socket may be of either type, datagram or stream.
class SyslogSink : public Sink {
public:
    /// What the policy `stop` does when the daemon cannot be reached any more. Default: SIGTERM to this
    /// process.
    static void on_stop(void (*stop)());

    /// `fallback` is for the policy `file` only. Throws std::runtime_error for an unknown facility, and with
    /// the policy `stop` when the daemon cannot be reached.
    SyslogSink(const std::string& facility, SyslogFailure policy, std::unique_ptr<Sink> fallback);

    bool write(const LineFormat& format, const Line& line) override;
    bool reopen() override;
    void after_fork(std::string_view role) override;
    [[nodiscard]] std::vector<int> descriptors() const override;

private:
    enum class Result { sent, busy, unreachable };
    Result send(const std::string& text);
    Result send_or_reconnect(const std::string& text);
    Result send_stream(const std::string& text);
    bool connect();
    bool connect_as(int type);
    bool fail(const LineFormat& format, const Line& line);

    std::string path_;
    int facility_;
    SyslogFailure policy_;
    std::unique_ptr<Sink> fallback_;
    MarkedDescriptor fd_;
    bool stream_ = false;
    std::string rest_;              ///< stream: what the daemon has not taken of the last line
    int error_ = 0;                 ///< why the daemon cannot be reached
    std::optional<Instant> retry_;  ///< set while it is unreachable: no attempt before this
};

}  // namespace base::log
