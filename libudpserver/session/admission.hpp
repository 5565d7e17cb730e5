#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/clock.hpp"
#include "base/endpoint.hpp"
#include "conf/config.hpp"
#include "libudpserver/session/record.hpp"

namespace session {

/// Limits new sessions (K-77, O-25): their rate over all sources, and for each source address (/32, /64) and
/// network (/24, /48) their rate and the number of open ones. The source port never counts.
///
/// Each worker has its own, with limits divided by the number of workers and rounded up (so at least 1): a
/// source whose flows all belong to one worker gets that worker's share. The tables have a fixed size; a
/// source without a place, because sources with open sessions fill its set, is admitted untracked and
/// counted.
class Admission {
public:
    Admission(const conf::UdpServer& settings, std::uint32_t sessions_of_this_worker, unsigned workers);
    ~Admission();
    Admission(Admission&&) noexcept;
    Admission& operator=(Admission&&) noexcept;

    /// What admit() would return, without effect. For datagrams that the policy may still refuse: denied
    /// clients must not consume the rates of permitted ones. `leaving`: open sessions of the source that
    /// would be closed for this one.
    [[nodiscard]] CloseReason check(const base::Address& source, base::Instant now,
                                    std::uint32_t leaving = 0) const;

    /// The same without the rates: for a client that was charged already.
    [[nodiscard]] CloseReason check_open(const base::Address& source, std::uint32_t leaving = 0) const;

    /// none: admitted, and one session is taken from each rate; rate_limited or source_limited: refused, and
    /// nothing is taken. Call opened() when the session is open.
    [[nodiscard]] CloseReason admit(const base::Address& source, base::Instant now);
    void opened(const base::Address& source);
    void closed(const base::Address& source);

    /// The source is not forged: it sent something after it had received a reply. Half of the rate over all
    /// sources is reserved for such ones, and so are the last server-side sockets (S-6).
    void confirmed(const base::Address& source, base::Instant now);
    /// It was not confirmed lately, while others were.
    [[nodiscard]] bool may_be_forged(const base::Address& source, base::Instant now) const;

    /// Sessions that were opened without a place in the tables.
    [[nodiscard]] std::uint64_t untracked() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace session
