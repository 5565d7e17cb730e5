#pragma once

#include <sys/types.h>

#include <string>

#include "base/unique_fd.hpp"

namespace process {

/// The file with this process's pid. It is locked while the object exists, so that a file left behind by a
/// crash does not prevent a start. Only the process that created it removes it, not a forked child.
class PidFile {
public:
    /// Throws base::Fatal if another process holds the lock (with its pid), or the file cannot be written.
    explicit PidFile(std::string path);
    /// After an upgrade: the process already holds the file and the lock.
    PidFile(std::string path, base::UniqueFd locked);
    ~PidFile();
    PidFile(const PidFile&) = delete;
    PidFile& operator=(const PidFile&) = delete;

    [[nodiscard]] int descriptor() const { return fd_.get(); }

private:
    bool lock();
    void write_pid();
    void check_kind() const;
    [[nodiscard]] bool is_at_path() const;
    [[noreturn]] void fail(const std::string& what, int error) const;
    [[noreturn]] void already_running() const;

    std::string path_;
    pid_t owner_;
    base::UniqueFd fd_;
};

}  // namespace process
