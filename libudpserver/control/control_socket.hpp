#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>

#include "base/unique_fd.hpp"
#include "libudpserver/control/control_settings.hpp"

namespace control {

/// The control socket as a file. One that a crash left behind is replaced; one on which somebody listens is
/// an error. It is removed at the end by the process that made it, if it is still the same file.
class ControlSocket {
public:
    /// Throws base::Fatal with the path, the reason and what to do.
    explicit ControlSocket(const ControlSettings& settings);
    /// A socket file that this process made before an exec, and which listens already.
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
    struct stat file_ {};  ///< as it was made
};

}  // namespace control
