#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unique_fd.hpp"

namespace base::log {

/// The way of the lines of one role to the process that writes the log (LOG): a socket with bounded room.
struct Channel {
    std::string role;  ///< of the senders; empty: of the parent
    UniqueFd sender, receiver;
    /// Lines that found no room, in memory that all processes share; null: the sender counts for itself.
    std::atomic<std::uint64_t>* lost = nullptr;
    std::atomic<std::uint64_t>* reported = nullptr;  ///< how many of them are in the log
};

/// All channels. The parent makes them before it starts any process, and keeps both ends: what is on its way
/// when a LOG exits is read by the next one.
class Channels {
public:
    /// One for each role. Throws std::system_error.
    explicit Channels(const std::vector<std::string>& roles);
    /// For a program that is tried out: a sender that it got from another program, for all its processes.
    explicit Channels(UniqueFd sender);
    ~Channels();
    Channels(const Channels&) = delete;
    Channels& operator=(const Channels&) = delete;

    /// The channel of that role; of the parent if the role has none.
    [[nodiscard]] Channel& of(std::string_view role);
    [[nodiscard]] std::deque<Channel>& all() { return all_; }
    [[nodiscard]] std::vector<int> receivers() const;

    /// Lines that LOG received but could not write.
    [[nodiscard]] std::atomic<std::uint64_t>& unwritten() { return counters_[0]; }
    /// The errno of the last of them; 0 after a line that was written.
    [[nodiscard]] std::atomic<std::uint64_t>& write_error() const { return counters_[1]; }
    /// How often LOG has looked for lines.
    [[nodiscard]] std::atomic<std::uint64_t>& turns() { return counters_[2]; }
    /// All lines that were lost on either way, since the channels were made.
    [[nodiscard]] std::uint64_t lost() const;

private:
    std::deque<Channel> all_;
    std::atomic<std::uint64_t>* counters_ = nullptr;
};

/// A socket pair for packets of bounded number: {sender, receiver}. The receiver learns the senders' pids and
/// no descriptor can be sent to it, where the kernel knows how. Throws std::system_error.
std::pair<UniqueFd, UniqueFd> packet_pair();

}  // namespace base::log
