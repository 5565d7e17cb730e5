#include "proxyd/run_directories.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "base/unique_fd.hpp"

namespace proxyd {

namespace {

namespace fs = std::filesystem;

/// True if it was missing. The mode does not depend on the umask.
bool make_directory(const fs::path& path) {
    return ::mkdir(path.c_str(), 0755) == 0 && ::chmod(path.c_str(), 0755) == 0;
}

/// `/run/NAME` of a file directly in it, or of a status file one level below; otherwise empty.
fs::path run_directory_of(const fs::path& directory) {
    if (directory.parent_path() == "/run") return directory;
    return directory.parent_path().parent_path() == "/run" ? directory.parent_path() : fs::path();
}

// Only below a directory that no other user can change: root must not give away what a link leads to.
bool is_safe(const fs::path& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == ::geteuid() &&
           (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

void make_status_directory(const fs::path& directory, const std::optional<base::User>& user) {
    const fs::path run = run_directory_of(directory);
    if (run.empty()) return;
    make_directory(run);
    if (run == directory || !is_safe(run) || !make_directory(directory) || !user) return;
    const base::UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (fd) static_cast<void>(::fchown(fd.get(), user->uid, user->gid) == 0);
}

}  // namespace

void make_run_directories(const conf::Config& config, const std::optional<base::User>& user) {
    for (const std::string& file : {config.pid_file, config.control.socket}) {
        const fs::path directory = fs::path(file).parent_path();
        if (directory.parent_path() == "/run") make_directory(directory);
    }
    if (!config.status_file.path.empty())
        make_status_directory(fs::path(config.status_file.path).parent_path(), user);
}

}  // namespace proxyd
