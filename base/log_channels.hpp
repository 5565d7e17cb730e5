#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unique_fd.hpp"

namespace base::log {

/// Numbers in a page that all processes share that have not given it up.
class SharedCounters {
public:
    /// Throws std::system_error.
    SharedCounters();
    [[nodiscard]] std::atomic<std::uint64_t>& operator[](std::size_t number) const {
        return first_.get()[number];
    }

private:
    struct Unmap {
        void operator()(std::atomic<std::uint64_t>* first) const;
    };
    std::unique_ptr<std::atomic<std::uint64_t>, Unmap> first_;
};

/// The way of the lines of one role to the process that writes the log (LOG): a socket with bounded room.
struct Channel {
    std::string role;  ///< of the senders; empty: of the parent
    UniqueFd sender, receiver;
    /// Of the role, which counts the lines that found no room; none: the sender counts for itself.
    std::optional<SharedCounters> counters;
    std::atomic<std::uint64_t>* reported = nullptr;  ///< how many of them are in the log; LOG's

    [[nodiscard]] std::atomic<std::uint64_t>& lost() const { return (*counters)[0]; }
};

/// All channels. The parent makes them before it starts any process, and keeps both ends: what is on its way
/// when a LOG exits is read by the next one.
class Channels {
public:
    /// One for each role. Throws std::system_error.
    explicit Channels(const std::vector<std::string>& roles);
    /// For a program that is tried out: a sender that it got from another program, for all its processes.
    explicit Channels(UniqueFd sender);
    /// The channel of that role; of the parent if the role has none.
    [[nodiscard]] Channel& of(std::string_view role);
    [[nodiscard]] std::deque<Channel>& all() { return all_; }
    [[nodiscard]] std::vector<int> receivers() const;

    /// In a process of this role: gives up the counters of LOG and of the other roles.
    void keep_only(const Channel& own);

    /// Lines that LOG received but could not write.
    [[nodiscard]] std::atomic<std::uint64_t>& unwritten() { return (*of_log_)[0]; }
    /// The errno of the last of them; 0 after a line that was written.
    [[nodiscard]] std::atomic<std::uint64_t>& write_error() const { return (*of_log_)[1]; }
    /// How often LOG has looked for lines.
    [[nodiscard]] std::atomic<std::uint64_t>& turns() { return (*of_log_)[2]; }
    /// All lines that were lost on either way, since the channels were made.
    [[nodiscard]] std::uint64_t lost() const;

private:
    std::deque<Channel> all_;
    std::optional<SharedCounters> of_log_;
};

/// A socket pair for packets of bounded number: {sender, receiver}. The receiver learns the senders' pids and
/// no descriptor can be sent to it, where the kernel knows how. Throws std::system_error.
std::pair<UniqueFd, UniqueFd> packet_pair();

}  // namespace base::log
