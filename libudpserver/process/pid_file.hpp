#pragma once

#include <sys/types.h>

#include <string>

#include "base/unique_fd.hpp"

namespace process {

/// The file with this process's pid, locked as long as the object lives, so that a file that a crash left
/// behind stops nobody. It is made by the process that stays, after daemonise, and removed by it alone: a
/// forked child that destroys a copy changes nothing.
class PidFile {
public:
    /// Throws base::Fatal: somebody else has the lock (with his pid), or the file cannot be written.
    explicit PidFile(std::string path);
    /// The same process after an exec: the file is its already, with the lock.
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
