#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/unique_fd.hpp"
#include "conf/config.hpp"

namespace proxyd {

/// Writes a file in pieces under a temporary name and renames it when it is complete, so that readers never
/// see an incomplete one (O-42). It waits for the disk. Failures are logged.
class StatusWriter {
public:
    StatusWriter() = default;
    explicit StatusWriter(const std::string& path) : path_(path) {}
    ~StatusWriter() { discard(); }
    StatusWriter(const StatusWriter&) = delete;
    StatusWriter& operator=(const StatusWriter&) = delete;

    /// Discards an incomplete file, and writes the next ones to `path`.
    void set_path(const std::string& path);
    /// False if it failed: put() and finish() do nothing until the next begin().
    bool begin();
    bool put(std::string_view text);
    bool finish();
    void discard();
    [[nodiscard]] std::uint64_t size() const { return size_; }

private:
    bool fail(const char* what);
    [[nodiscard]] std::string temporary() const { return path_ + ".new"; }

    std::string path_;
    base::UniqueFd file_;
    std::uint64_t size_ = 0;  ///< of the current file, bytes
};

/// Where LOG writes the status file, and at most how much: REG decides only about the content.
struct StatusPlace {
    std::string path;  ///< empty: nowhere
    std::uint64_t max_bytes = 0;
};
StatusPlace status_place(const conf::Config& config);

/// What REG and the parent send to LOG about the status file: a letter, then the rest.
namespace status_packets {
inline constexpr char begin = 'B', piece = 'D', finish = 'E';
inline constexpr char place = 'P';  ///< only from the parent: the limit, then the path
/// The longest piece, bytes.
inline constexpr std::size_t max_piece = 16 * 1024;
}  // namespace status_packets

/// Sends LOG another place; false if there is no room.
bool send_place(int sender, const StatusPlace& place);

/// The work of LOG's second thread: writes what arrives until no sender is left.
std::function<void(int receiver)> status_work(const conf::Config& config);

}  // namespace proxyd
