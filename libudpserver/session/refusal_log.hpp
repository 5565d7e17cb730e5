#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/endpoint.hpp"
#include "base/log.hpp"
#include "libudpserver/session/record.hpp"
#include "libudpserver/session/session_key.hpp"

namespace session {

/// Statistics records of refused first datagrams (K-67): one for each source (/32, /64), reason and rule
/// between two flushes. A flood of sources cannot make it grow: sources without a place are counted in one
/// common entry.
class RefusalLog {
public:
    static constexpr std::size_t capacity = 256;

    /// `rules`: the names of the rules, by index.
    RefusalLog(std::string proxy, std::vector<std::string> rules);

    /// Without `rule`: none matched, or the datagram was refused before the policy was asked. Returns true if
    /// it is the first of its entry.
    bool count(const base::Endpoint& client, const base::Endpoint& local, CloseReason reason,
               std::optional<std::size_t> rule, std::size_t bytes, base::Instant now);

    /// Calls callback(const std::vector<base::log::Field>&) for each entry, the common one last, and clears
    /// all.
    template <typename Callback>
    void flush(Callback&& callback) {
        for (std::size_t i = 0; i < used_; ++i)
            callback(fields(entries_[order_[i]]));
        if (others_.count > 0) callback(fields(others_));
        clear();
    }

    [[nodiscard]] bool empty() const { return used_ == 0 && others_.count == 0; }
    /// Refused datagrams since the start.
    [[nodiscard]] std::uint64_t total() const { return total_; }

private:
    /// How many entries are searched for a source.
    static constexpr std::size_t max_probe = 16;

    struct Entry {
        base::Address prefix;
        base::Endpoint client, local;  ///< of the first datagram
        CloseReason reason = CloseReason::none;
        std::optional<std::size_t> rule;
        std::uint64_t count = 0, bytes = 0;
        base::Instant first, last;
    };

    Entry& place_for(const base::Address& prefix, CloseReason reason, std::optional<std::size_t> rule);
    [[nodiscard]] std::vector<base::log::Field> fields(const Entry& entry) const;
    void clear();

    std::string proxy_;
    std::vector<std::string> rules_;
    KeyHash hash_;
    std::array<Entry, capacity> entries_{};
    std::array<std::uint16_t, capacity> order_{};  ///< the used entries, oldest first
    std::size_t used_ = 0;
    Entry others_;
    std::uint64_t total_ = 0;
};

}  // namespace session
