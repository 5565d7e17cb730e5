#pragma once

#include <chrono>
#include <cstdint>

#include "base/clock.hpp"
#include "libudpserver/net/udp_socket.hpp"
#include "libudpserver/session/heavy_sources.hpp"

namespace session {

/// Drops datagrams of the heaviest sources while the receive buffer of a listener is more than half full and
/// does not fall, so that the kernel does not drop those of all sources. A backlog that falls is forwarded
/// as a whole. Otherwise a source counts as heavy that has sent more than half of the latest datagrams; while
/// that does not help, the share is halved, down to 1/1024. If even that does not help, no source explains
/// the load, and dropping the busiest ones would only hurt them: none is heavy for a while.
class Overload {
public:
    /// A read returned all that was there.
    void seen_empty() { is_busy_ = is_over_ = false; }
    /// A read returned as many datagrams as it asked for.
    void seen_full(const net::ReceiveBuffer& buffer, base::Instant now);

    /// For each datagram of that read: counts it, and says whether to drop it.
    [[nodiscard]] bool drops(const base::Address& source, HeavySources& sources, base::Instant now) const {
        if (!is_busy_) return false;
        const std::uint32_t count = sources.add(source, now);
        return is_over_ && share_ > 0 && count > min_heavy && count > sources.total() >> share_;
    }

private:
    static constexpr unsigned most_share = 10;  ///< 1/1024
    /// A source with fewer of the latest datagrams is never heavy.
    static constexpr std::uint32_t min_heavy = 32;

    void halve_share_in_time(const net::ReceiveBuffer& buffer, base::Instant now);
    void set_share(unsigned share, base::Instant now);
    void give_up(base::Instant now);

    bool is_busy_ = false;      ///< the buffer is filling: datagrams are counted
    bool is_over_ = false;      ///< more than half full
    unsigned share_ = 0;        ///< heavy is more than 1/2^share of the datagrams, with 0 none
    base::Instant changed_{};   ///< when share_ did
    base::Instant retry_at_{};  ///< no source is heavy before, because none explained the load
    base::Instant over_at_{};   ///< when the buffer was last seen more than half full
    base::Instant checked_{};   ///< when it was last decided that share_ helps, or a new one should
    net::ReceiveBuffer was_;    ///< at that time
};

}  // namespace session
