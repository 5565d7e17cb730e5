#include "proxyctl/server_trust.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "proxyctl/failure.hpp"

namespace proxyctl {

namespace {

namespace fs = std::filesystem;

bool is_in_run(const std::string& folder) {
    return fs::path(folder).parent_path() == "/run";
}

/// The folder of the socket without symbolic links, which others may have made.
std::string folder_of(const std::string& path) {
    std::error_code error;
    const fs::path folder = fs::weakly_canonical(fs::absolute(path, error).parent_path(), error);
    return folder.string();
}

}  // namespace

std::string objection_to(const SocketFacts& facts) {
    constexpr mode_t group_writes = 020, others_write = 002;
    const bool is_known = facts.server == 0 || facts.server == facts.own ||
                          (facts.server == facts.folder_owner && is_in_run(facts.folder));
    if (!is_known)
        return fmt::format(
            "served by uid {}, which is neither root nor you; to use it, run proxyctl as that user",
            facts.server);
    const bool is_owned =
        facts.folder_owner == 0 || facts.folder_owner == facts.own || facts.folder_owner == facts.server;
    const bool is_open = (facts.folder_mode & others_write) != 0 ||
                         ((facts.folder_mode & group_writes) != 0 && facts.folder_group != 0);
    const bool is_sticky = (facts.folder_mode & S_ISVTX) != 0;
    if (is_owned && (!is_open || is_sticky)) return {};
    return fmt::format("other users may replace files in {}, so this may be another proxy; {}", facts.folder,
                       is_owned ? "remove their permission to write there" : "move the socket");
}

void check_server(int socket, const std::string& path) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    struct stat folder {};
    SocketFacts facts{.own = ::geteuid(), .folder = folder_of(path)};
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0 ||
        ::stat(facts.folder.c_str(), &folder) != 0)
        fail(exit_status::failed, "{}: cannot find out who serves it: {}", path, std::strerror(errno));
    facts.server = credentials.uid;
    facts.folder_owner = folder.st_uid;
    facts.folder_group = folder.st_gid;
    facts.folder_mode = folder.st_mode;
    if (const std::string why = objection_to(facts); !why.empty())
        fail(exit_status::failed, "{}: {}", path, why);
}

}  // namespace proxyctl
