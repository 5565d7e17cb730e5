#include "base/log_sink_file.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace base::log {
namespace {

std::string parent_of(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == path.npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

std::string reason(const std::string& path, int error) {
    struct stat ignored {};
    const auto directory = parent_of(path);
    if (error == ENOENT && ::stat(directory.c_str(), &ignored) != 0)
        return "the directory " + directory + " does not exist, create it first";
    if (error == ELOOP) return "it is a symbolic link of another user, which root does not follow";
    if (error == ENXIO) return "it is a pipe without a reader, or a socket; a regular file was expected";
    return std::strerror(error);
}

// Children reopen the log as their user, who must be able to write its directory. Were root to follow a link
// that this user put there, a child gone wrong could have it write lines into any file.
bool may_follow_link(const std::string& path) {
    struct stat named {};
    if (::geteuid() != 0) return true;
    return ::lstat(path.c_str(), &named) == 0 && S_ISLNK(named.st_mode) && named.st_uid == 0;
}

// Whether changing the owner of `fd` is safe: a regular file with one name that is no symbolic link.
// Otherwise a user with write access to the directory could make root give away any other file.
bool may_change_owner(int fd, const std::string& path, const struct stat& opened) {
    struct stat named {};
    return fd >= 0 && S_ISREG(opened.st_mode) && opened.st_nlink == 1 && ::lstat(path.c_str(), &named) == 0 &&
           named.st_ino == opened.st_ino && named.st_dev == opened.st_dev;
}

}  // namespace

FileSink::FileSink(std::string path, int owner) : path_(std::move(path)), owner_(owner) {
    fd_.reset(open_file());
}

UniqueFd FileSink::open_file() const {
    const int follow = may_follow_link(path_) ? 0 : O_NOFOLLOW;
    UniqueFd fd(::open(path_.c_str(),
                       O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | follow, 0640));
    if (!fd) throw std::runtime_error("log file " + path_ + ": cannot open: " + reason(path_, errno));
    struct stat opened {};
    if (owner_ < 0 || ::fstat(fd.get(), &opened) != 0 || opened.st_uid == static_cast<uid_t>(owner_))
        return fd;
    if (may_change_owner(fd.get(), path_, opened) &&
        ::fchown(fd.get(), static_cast<uid_t>(owner_), static_cast<gid_t>(-1)) != 0)
        throw std::runtime_error("log file " + path_ + ": cannot give it to uid " + std::to_string(owner_) +
                                 ": " + std::strerror(errno));
    return fd;
}

bool FileSink::write(const LineFormat& format, const Line& line) {
    const auto text = (torn_ ? "\n" : "") + format.file_line(line);
    std::string_view rest = text;
    while (!rest.empty()) {
        const auto written = ::write(fd_.get(), rest.data(), rest.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) break;
        rest.remove_prefix(static_cast<std::size_t>(written));
    }
    if (rest.size() == text.size()) return false;
    // A disk that fills up takes half a line: the next one must not be glued to it.
    torn_ = !rest.empty();
    return rest.empty();
}

bool FileSink::reopen() {
    fd_.reset(open_file());
    torn_ = false;
    return true;
}

void FileSink::after_fork(std::string_view) {
    if (fd_.check()) return;
    try {
        reopen();
    } catch (const std::runtime_error&) {
        // Lines are counted as lost until a reopen works.
    }
}

bool StandardErrorSink::write(const LineFormat& format, const Line& line) {
    const auto text = format.file_line(line);
    std::string_view rest = text;
    struct stat status {};
    const bool socket = ::fstat(STDERR_FILENO, &status) == 0 && S_ISSOCK(status.st_mode);
    while (!rest.empty()) {
        // Others write to the same open file, so it is not made non-blocking: a pipe that poll calls writable
        // has room for a page.
        const auto piece = rest.substr(0, 4096);
        pollfd ready{STDERR_FILENO, POLLOUT, 0};
        if (!socket && (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0)) return false;
        const auto written =
            socket ? ::send(STDERR_FILENO, piece.data(), piece.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                   : ::write(STDERR_FILENO, piece.data(), piece.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        rest.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

}  // namespace base::log
