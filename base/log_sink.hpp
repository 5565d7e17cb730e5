#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/log_format.hpp"

namespace base::log {

/// Where lines go. It outlives forks; calls come from one thread at a time. Nothing here blocks or throws.
class Sink {
public:
    Sink() = default;
    virtual ~Sink() = default;
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;

    /// False when the line is lost.
    virtual bool write(const LineFormat& format, const Line& line) = 0;
    /// Opens the file of that name anew and says whether there was one to open; throws std::runtime_error and
    /// keeps the old one when that fails.
    virtual bool reopen() { return false; }
    /// Called in a child after the fork, when it has closed what is not its own.
    virtual void after_fork() {}
    [[nodiscard]] virtual std::vector<int> descriptors() const = 0;
};

}  // namespace base::log
