#include "libudpserver/process/pid_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/fatal.hpp"

namespace process {

PidFile::PidFile(std::string path) : path_(std::move(path)), owner_(::getpid()) {
    // Retry if the previous owner removed the file between our open and our lock.
    while (!lock()) {
    }
    write_pid();
}

PidFile::PidFile(std::string path, base::UniqueFd locked)
    : path_(std::move(path)), owner_(::getpid()), fd_(std::move(locked)) {}

PidFile::~PidFile() {
    // The file at the path is ours while we hold the lock, unless it was replaced by hand.
    if (fd_ && owner_ == ::getpid() && is_at_path()) ::unlink(path_.c_str());
}

bool PidFile::lock() {
    fd_.reset(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644));
    if (!fd_) fail("cannot be opened", errno);
    check_kind();
    if (::flock(fd_.get(), LOCK_EX | LOCK_NB) == 0) return is_at_path();
    if (errno == EWOULDBLOCK) already_running();
    fail("cannot be locked", errno);
}

// Root will overwrite and later remove the file: never a device such as /dev/null, nor another user's file
// under a second name.
void PidFile::check_kind() const {
    struct stat status {};
    if (::fstat(fd_.get(), &status) != 0) fail("cannot be examined", errno);
    if (!S_ISREG(status.st_mode))
        throw base::Fatal("pid file " + path_ + " is not a regular file; correct pid-file");
    if (status.st_nlink > 1)
        throw base::Fatal("pid file " + path_ + " has other names (hard links); remove it");
}

bool PidFile::is_at_path() const {
    struct stat ours {
    }, there{};
    return ::fstat(fd_.get(), &ours) == 0 && ::lstat(path_.c_str(), &there) == 0 &&
           ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

void PidFile::write_pid() {
    const std::string line = std::to_string(owner_) + "\n";
    const bool written =
        ::ftruncate(fd_.get(), 0) == 0 && ::fchmod(fd_.get(), 0644) == 0 &&
        ::pwrite(fd_.get(), line.data(), line.size(), 0) == static_cast<ssize_t>(line.size());
    if (written) return;
    const int error = errno;
    ::unlink(path_.c_str());
    fail("cannot be written", error);
}

void PidFile::fail(const std::string& what, int error) const {
    std::string text = "pid file " + path_ + " " + what + ": " + std::strerror(error);
    if (error == ENOENT) text += "; create its directory, or correct pid-file";
    if (error == ELOOP) text += "; a symbolic link is not followed";
    throw base::Fatal(text);
}

void PidFile::already_running() const {
    std::array<char, 32> text{};
    const ssize_t got = ::pread(fd_.get(), text.data(), text.size() - 1, 0);
    const std::string pid(text.data(), std::strspn(text.data(), "0123456789"));
    const bool known = got > 0 && !pid.empty();
    throw base::Fatal("already running with pid " + (known ? pid : std::string("unknown")) + " (pid file " +
                      path_ + "); stop it first, or configure another pid-file");
}

}  // namespace process
