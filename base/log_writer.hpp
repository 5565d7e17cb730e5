#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/log_format.hpp"
#include "base/log_sink.hpp"

namespace base::log {

/// Brings lines of one process to a sink: at once, or in the background through a bounded queue that
/// overwrites its oldest lines and never makes anybody wait. Thread-safe. spdlog does the work.
class Writer {
public:
    /// Lines that wait in the queue at most.
    static constexpr std::size_t queue_size = 8192;

    Writer(std::shared_ptr<Sink> sink, LineFormat format, bool background);
    /// In the process that made it: writes out what is queued, like finish(). In a child of that process,
    /// where the writer thread does not exist, the queue is left alone.
    ~Writer();
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    [[nodiscard]] const LineFormat& format() const { return format_; }
    void write(const Message& message, std::string_view body);
    /// Writes a line of another process, at once. Its sender may be any thread or process.
    void relay(const LineFormat& format, const Line& line);
    /// Waits until what is queued now is written; false if that takes longer than `limit`.
    bool drain(std::chrono::milliseconds limit);
    /// See Sink::reopen; not while a line is being written.
    bool reopen();
    /// Writes the queue and stops the thread; false if that takes longer than `limit`. Later lines are
    /// written at once.
    bool finish(std::chrono::milliseconds limit);
    /// Lines that did not reach the sink.
    [[nodiscard]] std::uint64_t lost() const;

private:
    struct Backend;
    LineFormat format_;
    std::unique_ptr<Backend> backend_;
};

}  // namespace base::log
