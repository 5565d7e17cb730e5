#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>

#include "base/unique_fd.hpp"
#include "libudpserver/control/control_settings.hpp"

namespace control {

/// The control socket as a file. A file left behind by a crash is replaced; one that another process listens
/// on is an error. The process that created the file removes it, if it is still the same file.
class ControlSocket {
public:
    /// Throws base::Fatal with the path, the reason and the remedy.
    explicit ControlSocket(const ControlSettings& settings);
    /// A listening socket that this process created before an upgrade.
    struct Made {
        base::UniqueFd listening;
        std::uint64_t device = 0, inode = 0;  ///< of the file
    };
    ControlSocket(const ControlSettings& settings, Made made);
    ~ControlSocket();
    ControlSocket(const ControlSocket&) = delete;
    ControlSocket& operator=(const ControlSocket&) = delete;

    /// Listens; non-blocking, closed on exec.
    [[nodiscard]] int descriptor() const { return fd_.get(); }
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] const struct stat& file() const { return file_; }

private:
    void make_directory() const;
    void bind(unsigned mode);
    void remove_stale() const;
    void give_to(gid_t group);
    [[nodiscard]] bool is_at_path() const;
    [[noreturn]] void fail(const std::string& what, int error) const;

    std::string path_;
    pid_t owner_;
    base::UniqueFd fd_;
    struct stat file_ {};  ///< when it was created
};

}  // namespace control
