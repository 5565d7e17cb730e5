#pragma once

#include <chrono>
#include <string>

#include "conf/config.hpp"
#include "libudpserver/session/inspection.hpp"

namespace proxyd {

using WallTime = std::chrono::system_clock::time_point;

/// The lines of a status file (O-42, O-44): the head, one for each session, the end mark.
class StatusText {
public:
    explicit StatusText(const conf::Config& config) : config_(config), format_(config.status_file.format) {}

    [[nodiscard]] std::string head(WallTime now) const;
    [[nodiscard]] std::string session(const session::Found& found, session::Instant now, WallTime wall) const;
    [[nodiscard]] std::string end(std::size_t sessions) const;

private:
    const conf::Config& config_;
    conf::StatusFormat format_;
};

}  // namespace proxyd
