#include "libudpserver/session/overload.hpp"

namespace session {

namespace {

/// Datagrams are counted above an eighth, early enough to know the heavy sources at the half.
constexpr std::uint32_t busy_part = 8, over_part = 2;
/// How long the buffer may take to fall: less if the kernel drops datagrams meanwhile. The kernel's account
/// falls in steps of a quarter of the buffer.
constexpr base::Duration limit{50}, limit_when_full{10};
/// After this time without a need to halve the share it is doubled, and after this time below the half it is
/// forgotten.
constexpr base::Duration relaxation{1000};

}  // namespace

void Overload::seen_full(const net::ReceiveBuffer& buffer, base::Instant now) {
    const bool was_over = is_over_;
    is_busy_ = buffer.used > buffer.size / busy_part;
    is_over_ = buffer.used > buffer.size / over_part;
    if (!is_over_) return;
    if (now - over_at_ >= relaxation) {
        set_share(0, now);
    } else if (share_ > 1 && now - changed_ >= relaxation) {
        set_share(share_ - 1, now);
    }
    over_at_ = now;
    if (was_over) return halve_share_in_time(buffer, now);
    checked_ = now;
    was_ = buffer;
}

/// The buffer has been more than half full since checked_.
void Overload::halve_share_in_time(const net::ReceiveBuffer& buffer, base::Instant now) {
    const bool is_full = buffer.dropped != was_.dropped;
    if (now - checked_ < (is_full ? limit_when_full : limit)) return;
    const bool helps = !is_full && buffer.used < was_.used;
    if (share_ == most_share && is_full) {
        give_up(now);
    } else if (share_ < most_share && !helps && now >= retry_at_) {
        set_share(share_ + 1, now);
    }
    checked_ = now;
    was_ = buffer;
}

void Overload::give_up(base::Instant now) {
    set_share(0, now);
    retry_at_ = now + relaxation;
}

void Overload::set_share(unsigned share, base::Instant now) {
    share_ = share;
    changed_ = now;
}

}  // namespace session
