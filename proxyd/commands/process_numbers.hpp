#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace proxyd {

/// The memory that a process occupies (RSS, memory that it shares with others included), in bytes; nothing
/// when there is no such process.
std::optional<std::uint64_t> memory_of(pid_t pid);

/// How many descriptors a process has open; nothing when this process may not know.
std::optional<std::uint64_t> descriptors_of(pid_t pid);

}  // namespace proxyd
