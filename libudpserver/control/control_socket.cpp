#include "libudpserver/control/control_socket.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/fatal.hpp"

namespace control {
namespace {

constexpr int backlog = 128;

/// Sets the mode of new files temporarily. The parent has one thread.
class FileMode {
public:
    explicit FileMode(unsigned mode) : before_(::umask(0777 & ~static_cast<mode_t>(mode))) {}
    ~FileMode() { ::umask(before_); }
    FileMode(const FileMode&) = delete;
    FileMode& operator=(const FileMode&) = delete;

private:
    mode_t before_;
};

base::UniqueFd open_socket() {
    return base::UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        throw base::Fatal(fmt::format("the path of the control socket has {} bytes, the limit is {}: {}",
                                      path.size(), sizeof address.sun_path - 1, path));
    path.copy(address.sun_path, path.size());
    return address;
}

/// 0 if a process listens there, otherwise an errno: ECONNREFUSED if none does any more.
int connect_error(const sockaddr_un& address) {
    const base::UniqueFd probe = open_socket();
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (probe && ::connect(probe.get(), generic, sizeof address) == 0) return 0;
    // A full queue also means that a process listens.
    return errno == EAGAIN ? 0 : errno;
}

bool same_file(const struct stat& a, const struct stat& b) {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

}  // namespace

ControlSocket::ControlSocket(const ControlSettings& settings) : path_(settings.path), owner_(::getpid()) {
    if (settings.make_directory) make_directory();
    bind(settings.mode);
    try {
        if (settings.file_group) give_to(*settings.file_group);
        if (::listen(fd_.get(), backlog) != 0) fail("cannot listen", errno);
    } catch (const base::Fatal&) {
        if (is_at_path()) ::unlink(path_.c_str());
        throw;
    }
}

ControlSocket::ControlSocket(const ControlSettings& settings, Made made)
    : path_(settings.path), owner_(::getpid()), fd_(std::move(made.listening)) {
    file_.st_dev = made.device;
    file_.st_ino = made.inode;
}

ControlSocket::~ControlSocket() {
    if (fd_ && owner_ == ::getpid() && is_at_path()) ::unlink(path_.c_str());
}

void ControlSocket::make_directory() const {
    const std::string directory = std::filesystem::path(path_).parent_path();
    const FileMode mode(0755);
    if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST)
        fail("cannot get its directory " + directory, errno);
}

void ControlSocket::bind(unsigned mode) {
    const sockaddr_un address = address_of(path_);
    fd_ = open_socket();
    if (!fd_) fail("cannot be opened", errno);
    const auto try_bind = [&] {
        // So that the file is never accessible with a wider mode.
        const FileMode file_mode(mode);
        return ::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    };
    if (!try_bind()) {
        if (errno != EADDRINUSE) fail("cannot be created", errno);
        remove_stale();
        if (!try_bind()) fail("cannot be created", errno);
    }
    if (::lstat(path_.c_str(), &file_) != 0) fail("cannot be examined", errno);
}

void ControlSocket::remove_stale() const {
    struct stat before {
    }, now{};
    if (::lstat(path_.c_str(), &before) != 0) {
        if (errno == ENOENT) return;
        fail("cannot be examined", errno);
    }
    if (!S_ISSOCK(before.st_mode))
        throw base::Fatal("the control socket " + path_ +
                          " cannot be created: the path is not a socket; remove it, or correct "
                          "control.socket");
    const int error = connect_error(address_of(path_));
    if (error == 0)
        throw base::Fatal("the control socket " + path_ +
                          ": another process uses it; stop it first, or configure another name or "
                          "control.socket");
    if (error == ENOENT) return;
    if (error != ECONNREFUSED) fail("exists and cannot be tested", error);
    // Not if it was replaced meanwhile.
    if (::lstat(path_.c_str(), &now) == 0 && same_file(before, now) && ::unlink(path_.c_str()) != 0)
        fail("was left behind and cannot be removed", errno);
}

// By descriptor, so that a file that replaces it at the path is not affected.
void ControlSocket::give_to(gid_t group) {
    const base::UniqueFd file(::open(path_.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat there {};
    const bool ours =
        file && ::fstat(file.get(), &there) == 0 && S_ISSOCK(there.st_mode) && same_file(there, file_);
    if (!ours || ::fchownat(file.get(), "", static_cast<uid_t>(-1), group, AT_EMPTY_PATH) != 0)
        fail(fmt::format("cannot be given to group {}", group), ours ? errno : ESTALE);
}

bool ControlSocket::is_at_path() const {
    struct stat there {};
    return ::lstat(path_.c_str(), &there) == 0 && S_ISSOCK(there.st_mode) && same_file(there, file_);
}

void ControlSocket::fail(const std::string& what, int error) const {
    std::string text = "the control socket " + path_ + " " + what + ": " + std::strerror(error);
    if (error == ENOENT) text += "; create its directory, or correct control.socket";
    if (error == EPERM || error == EACCES)
        text += "; run as root, or configure a control.socket and control.group that this user may use";
    throw base::Fatal(text);
}

}  // namespace control
