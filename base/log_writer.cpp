#include "base/log_writer.hpp"

#include <pthread.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>

#include "base/clock.hpp"
#include "base/signals.hpp"
#include "base/token_bucket.hpp"

namespace base::log {
namespace {

/// Adapts a Sink to spdlog. The message's id is passed in the source location, which spdlog copies unchanged;
/// ids are literals, so the pointer remains valid.
class SpdlogSink : public spdlog::sinks::base_sink<std::mutex> {
public:
    SpdlogSink(std::shared_ptr<Sink> target, const LineFormat& format)
        : sink_(std::move(target)), format_(format) {}

    bool reopen() {
        const std::lock_guard lock(mutex_);
        return sink_->reopen();
    }

    /// To be called before a flush is put into the queue; the ticket is what to wait for.
    int expect_flush() {
        const std::lock_guard lock(own_mutex_);
        return ++expected_;
    }
    /// Waits until that flush has passed the queue.
    bool wait_for_flush(int ticket, std::chrono::milliseconds limit) {
        std::unique_lock lock(own_mutex_);
        return flushed_.wait_for(lock, limit, [this, ticket] { return flushes_ >= ticket; });
    }

    /// The queue whose overwritten lines count as lost. A plain pointer: if the writer thread were the
    /// last owner, it would have to join itself. The pool is detached here before it is destroyed.
    void watch(spdlog::details::thread_pool* pool) {
        const std::lock_guard lock(own_mutex_);
        count_overwritten();
        pool_ = pool;
    }

    void relay(const LineFormat& format, const Line& line) {
        const std::lock_guard lock(mutex_);
        put(format, line);
    }

    /// Counts a line that will never be written.
    void give_up_line() {
        const std::lock_guard lock(own_mutex_);
        ++failed_;
    }

    [[nodiscard]] std::uint64_t lost() {
        const std::lock_guard lock(own_mutex_);
        count_overwritten();
        return failed_ + overwritten_;
    }

private:
    void sink_it_(const spdlog::details::log_msg& message) override {
        const Line line{
            message.time, message.source.funcname, {message.payload.data(), message.payload.size()}};
        put(format_, line);
    }

    void put(const LineFormat& format, const Line& line) {
        const bool written = sink_->write(format, line);
        if (!written) give_up_line();
        const auto total = lost();
        if (total == reported_) return;
        if (sink_->take_lost(total - reported_))
            reported_ = total;
        else if (written)
            report_lost(total);
    }

    // LOGS-230 follows the first line that gets through again, at most once a second.
    void report_lost(std::uint64_t total) {
        if (!reports_.take({msg::log_lost.budget, 1}, MonotonicClock::now())) return;
        const auto body =
            format_.message_body(fmt::format("{} lines lost, {} since the start", total - reported_, total));
        if (sink_->write(format_, {std::chrono::system_clock::now(), msg::log_lost.id, body}))
            reported_ = total;
    }

    void count_overwritten() {
        if (pool_ != nullptr) overwritten_ = pool_->overrun_counter();
    }

    void flush_() override {
        const std::lock_guard lock(own_mutex_);
        ++flushes_;
        flushed_.notify_all();
    }
    void set_pattern_(const std::string&) override {}
    void set_formatter_(std::unique_ptr<spdlog::formatter>) override {}

    std::shared_ptr<Sink> sink_;
    LineFormat format_;
    std::uint64_t reported_ = 0;
    TokenBucket reports_;

    // base_sink's mutex is held during a write; readers of the counters must not wait for it.
    std::mutex own_mutex_;
    spdlog::details::thread_pool* pool_ = nullptr;
    std::condition_variable flushed_;
    int expected_ = 0, flushes_ = 0;
    std::uint64_t failed_ = 0, overwritten_ = 0;
};

std::shared_ptr<spdlog::details::thread_pool> make_pool() {
    // The new thread inherits the mask: signals belong to the main thread.
    const BlockSignals block;
    return std::make_shared<spdlog::details::thread_pool>(
        Writer::queue_size, 1, [] { ::pthread_setname_np(::pthread_self(), "proxyd-log"); });
}

}  // namespace

struct Writer::Backend {
    std::shared_ptr<SpdlogSink> sink;
    pid_t process = ::getpid();
    std::shared_ptr<spdlog::details::thread_pool> pool;
    mutable std::mutex mutex;                ///< of the logger, which finish() replaces
    std::shared_ptr<spdlog::logger> logger;  ///< none: the target hangs, lines are lost

    void log_directly() { use(std::make_shared<spdlog::logger>("proxyd", sink)); }
    void log_in_background() {
        pool = make_pool();
        sink->watch(pool.get());
        use(std::make_shared<spdlog::async_logger>("proxyd", sink, pool,
                                                   spdlog::async_overflow_policy::overrun_oldest));
    }
    void use(std::shared_ptr<spdlog::logger> next) {
        logger = std::move(next);
        logger->set_level(spdlog::level::trace);
        // Otherwise spdlog reports on standard error when a thread still logs while finish() closes the
        // queue.
        logger->set_error_handler([](const std::string&) {});
    }
    // If the target hangs, no thread may write to it again: it would block behind the hanging line.
    std::shared_ptr<spdlog::details::thread_pool> leave_queue(bool target_works) {
        const std::lock_guard lock(mutex);
        sink->watch(nullptr);
        logger = nullptr;
        if (target_works) log_directly();
        return std::move(pool);
    }
    std::shared_ptr<spdlog::logger> current() const {
        const std::lock_guard lock(mutex);
        return logger;
    }
};

Writer::Writer(std::shared_ptr<Sink> sink, LineFormat format, bool background)
    : format_(std::move(format)), backend_(std::make_unique<Backend>()) {
    backend_->sink = std::make_shared<SpdlogSink>(std::move(sink), format_);
    if (background)
        backend_->log_in_background();
    else
        backend_->log_directly();
}

Writer::~Writer() {
    if (!backend_->pool) return;
    if (backend_->process == ::getpid())
        finish(std::chrono::seconds(1));
    else [[maybe_unused]]
        const auto* left = backend_.release();  // joining a thread that is not here would hang
}

void Writer::write(const Message& message, std::string_view body) {
    const auto logger = backend_->current();
    if (!logger) return backend_->sink->give_up_line();
    const spdlog::source_loc id{nullptr, 0, message.id.data()};
    logger->log(id, spdlog::level::info, spdlog::string_view_t(body.data(), body.size()));
}

void Writer::relay(const LineFormat& format, const Line& line) {
    backend_->sink->relay(format, line);
}

bool Writer::reopen() {
    return backend_->sink->reopen();
}

bool Writer::drain(std::chrono::milliseconds limit) {
    const auto logger = backend_->current();
    if (!backend_->pool || !logger) return logger != nullptr;
    const int ticket = backend_->sink->expect_flush();
    logger->flush();
    return backend_->sink->wait_for_flush(ticket, limit);
}

bool Writer::finish(std::chrono::milliseconds limit) {
    const auto logger = backend_->current();
    if (!backend_->pool) return logger != nullptr;
    const bool done = drain(limit);
    auto pool = backend_->leave_queue(done);
    // Lines queued after the flush are written while the thread exits. A thread that hangs in the kernel is
    // left to _exit.
    if (!done) [[maybe_unused]]
        const auto* left = new auto(std::move(pool));
    return done;
}

std::uint64_t Writer::lost() const {
    return backend_->sink->lost();
}

}  // namespace base::log
