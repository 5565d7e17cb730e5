#include "libudpserver/sandbox/sandbox.hpp"

#include <fmt/core.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <cstdlib>
#include <ctime>

#include "base/privileges.hpp"
#include "libudpserver/sandbox/landlock_rules.hpp"
#include "libudpserver/sandbox/seccomp_filter.hpp"

namespace sandbox {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool is_sanitized = true;
#else
constexpr bool is_sanitized = false;
#endif

// The table has the system calls of these.
#if defined(__x86_64__) || defined(__aarch64__)
constexpr bool is_in_table = true;
#else
constexpr bool is_in_table = false;
#endif

/// With the variable set, the C library does not look at the file for each conversion of a time.
void fix_time_zone() {
    ::setenv("TZ", ":/etc/localtime", 0);
    ::tzset();
}

void keep_capabilities(Role role) {
    std::vector<unsigned> kept;
    if (role == parent)
        for (const CapabilityRow& row : capability_rows())
            kept.push_back(row.number);
    base::keep_capabilities(kept);
}

void note_missing(Level& level, const char* what) {
    level.missing += (level.missing.empty() ? "missing: " : ", ") + std::string(what);
}

/// Filters and rules survive an exec and only add up, up to a limit.
bool is_inherited(Role role) {
    return role == parent && inherited_parent_version() >= parent_version;
}

}  // namespace

std::string to_string(const Level& level) {
    if (!level.seccomp && level.landlock == 0) return level.missing;
    std::string text = level.seccomp ? "seccomp, " : "";
    if (level.landlock > 0) text += fmt::format("Landlock {}, ", level.landlock);
    text += "capabilities";
    return level.is_complete() ? text : fmt::format("{}; {}", text, level.missing);
}

Level enter(const Request& request) {
    Level level;
    if (is_sanitized) {
        level.missing = "not confined: proxyd was built with a sanitizer";
        return level;
    }
    const bool follows_time_zone = request.role == reg && (request.needs & time_zone) != 0;
    if (request.role != parent && !follows_time_zone) fix_time_zone();
    keep_capabilities(request.role);
    base::forbid_new_privileges();
    level.landlock = landlock_version();
    if (level.landlock == 0) note_missing(level, "Landlock");
    const bool inherited = is_inherited(request.role);
    if (level.landlock > 0 && !inherited) apply_landlock(request, level.landlock);
    guard(request.guarded);
    level.seccomp = is_in_table && (inherited || install_filter(request.role, request.needs));
    if (!level.seccomp) note_missing(level, "seccomp");
    return level;
}

void forbid_core_dumps() {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

}  // namespace sandbox
