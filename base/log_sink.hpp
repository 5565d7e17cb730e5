#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/log_format.hpp"
#include "base/unique_fd.hpp"

namespace base::log {

/// The target of log lines. It survives forks; one thread at a time calls it. Nothing here blocks or throws.
class Sink {
public:
    Sink() = default;
    virtual ~Sink() = default;
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;

    /// False when the line is lost.
    virtual bool write(const LineFormat& format, const Line& line) = 0;
    /// Opens the file of that name anew and says whether there was one to open; throws std::runtime_error and
    /// keeps the old one when that fails.
    virtual bool reopen() { return false; }
    /// Called in a child after the fork; `role` is the child's.
    virtual void after_fork(std::string_view role) { static_cast<void>(role); }
    /// From now on write() may wait for a moment: it is called by a thread that nobody waits for.
    virtual void may_wait() {}
    /// Lines were lost. True: the sink sees to it that this is reported; otherwise the caller reports it.
    virtual bool take_lost(std::uint64_t lines) { return static_cast<void>(lines), false; }
    /// True if another process formats and writes the lines (LineFormat::for_relay).
    [[nodiscard]] virtual bool is_relayed() const { return false; }
    [[nodiscard]] virtual std::vector<int> descriptors() const = 0;
};

/// A descriptor that detects that other code closed it, as a child does with all unknown descriptors: by then
/// the number may belong to a session's socket.
class MarkedDescriptor {
public:
    [[nodiscard]] int get() const { return fd_.get(); }
    explicit operator bool() const { return fd_.valid(); }

    void reset(UniqueFd fd) {
        fd_ = std::move(fd);
        struct stat status {};
        ::fstat(fd_.get(), &status);
        device_ = status.st_dev;
        file_ = status.st_ino;
    }

    /// True while it is still what reset() got; otherwise it is forgotten, not closed.
    bool check() {
        struct stat status {};
        const bool same =
            ::fstat(fd_.get(), &status) == 0 && status.st_dev == device_ && status.st_ino == file_;
        if (!same) [[maybe_unused]]
            const int foreign = fd_.release();
        return same;
    }

private:
    UniqueFd fd_;
    dev_t device_ = 0;
    ino_t file_ = 0;
};

}  // namespace base::log
