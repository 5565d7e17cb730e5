#pragma once

#include <string>
#include <vector>

#include "base/log_sink.hpp"

namespace base::log {

/// A file of our own, opened for appending, mode 0640.
class FileSink : public Sink {
public:
    /// `owner` (uid or -1) gets the file if it is a regular one. Throws std::runtime_error with path and
    /// reason.
    FileSink(std::string path, int owner);

    bool write(const LineFormat& format, const Line& line) override;
    bool reopen() override;
    void after_fork(std::string_view role) override;
    [[nodiscard]] std::vector<int> descriptors() const override { return {fd_.get()}; }

private:
    [[nodiscard]] UniqueFd open_file() const;

    std::string path_;
    int owner_;
    MarkedDescriptor fd_;
    bool torn_ = false;  ///< the last line was written in part only
};

/// Standard error. Other processes share it, so its flags are not changed; a stalled reader costs lines,
/// never time.
class StandardErrorSink : public Sink {
public:
    bool write(const LineFormat& format, const Line& line) override;
    [[nodiscard]] std::vector<int> descriptors() const override { return {2}; }
};

}  // namespace base::log
