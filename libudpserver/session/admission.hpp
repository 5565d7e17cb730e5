#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/clock.hpp"
#include "base/endpoint.hpp"
#include "conf/config.hpp"
#include "libudpserver/session/record.hpp"

namespace session {

/// Who may open another session (K-77, O-25): new sessions a second over all, and for each source address
/// (/32, /64) and network (/24, /48) new ones a second and open ones. The source port never counts.
///
/// Each worker has its own, with limits divided by the number of workers and rounded up (so at least 1): a
/// source whose flows all fall on one worker gets that worker's share. The tables have a fixed size; a source
/// that finds no place because live ones fill its set is admitted untracked and counted.
class Admission {
public:
    Admission(const conf::UdpServer& settings, std::uint32_t sessions_of_this_worker, unsigned workers);
    ~Admission();
    Admission(Admission&&) noexcept;
    Admission& operator=(Admission&&) noexcept;

    /// What admit() would say; nothing is taken and nothing remembered. For datagrams that policy may still
    /// refuse: what is denied must not use up the rates that are meant for those who may come in.
    [[nodiscard]] CloseReason check(const base::Address& source, base::Instant now) const;

    /// The same without the rates: for who has been charged already.
    [[nodiscard]] CloseReason check_open(const base::Address& source) const;

    /// none: admitted, and one session is taken from each rate; rate_limited or source_limited: refused, and
    /// nothing is taken. Call opened() when the session has really come to be.
    [[nodiscard]] CloseReason admit(const base::Address& source, base::Instant now);
    void opened(const base::Address& source);
    void closed(const base::Address& source);

    /// Openings that no table had a place for, since the start.
    [[nodiscard]] std::uint64_t untracked() const;
    /// Open sessions counted for this address, and for its network (for information and tests).
    [[nodiscard]] std::uint32_t open_of_address(const base::Address& source) const;
    [[nodiscard]] std::uint32_t open_of_network(const base::Address& source) const;
    /// Bytes of the tables; constant.
    [[nodiscard]] std::size_t memory() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace session
