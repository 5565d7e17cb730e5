#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libudpserver/sandbox/descriptor_guard.hpp"
#include "libudpserver/sandbox/table.hpp"

namespace sandbox {

/// What the rules of a process depend on besides its role.
struct Request {
    struct File {
        std::string path;
        Access access = Access::read;
    };
    Role role = parent;
    unsigned needs = always;
    std::vector<File> files;               ///< may be used with these rights, with all below them
    std::vector<std::uint16_t> tcp_ports;  ///< may be connected to
    GuardedSockets guarded = {};
};

/// How far a process is confined.
struct Level {
    bool seccomp = false;
    unsigned landlock = 0;  ///< version of the kernel's interface; 0: none
    std::string missing;    ///< what is missing and why; empty if nothing is

    [[nodiscard]] bool is_complete() const { return missing.empty(); }
};

/// `seccomp, Landlock 7, capabilities`, and what is missing; only that if there is neither of the first two.
std::string to_string(const Level& level);

/// Confines this process, and the threads and processes that it starts, for good: capabilities, no new
/// privileges, Landlock, seccomp. Does as much as the kernel can; the result tells what it could not. Call it
/// before the first thread. Throws base::Fatal if a step fails that the kernel supports. A program that was
/// built with a sanitizer is not confined, because these need more calls.
Level enter(const Request& request);

/// No core files, and the memory is closed to other processes of the same user. An unprivileged parent cannot
/// count the open files of its children then.
void forbid_core_dumps();

}  // namespace sandbox
