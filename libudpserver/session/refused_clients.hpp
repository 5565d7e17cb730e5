#pragma once

#include <vector>

#include "libudpserver/session/record.hpp"

namespace session {

/// Clients that an administrator keeps out for a while (`kill --refuse`). A few: they are looked through one
/// by one, for each new session and only while there are any.
class RefusedClients {
public:
    static constexpr std::size_t capacity = 1024;

    /// False when there is no room: nothing is remembered.
    bool add(const base::Address& client, Instant until, Instant now);
    [[nodiscard]] bool contain(const base::Address& client, Instant now) const;
    [[nodiscard]] std::size_t size() const { return entries_.size(); }

private:
    struct Entry {
        base::Address client;
        Instant until;
    };
    std::vector<Entry> entries_;
};

}  // namespace session
