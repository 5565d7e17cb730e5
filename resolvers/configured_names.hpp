#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/messages.hpp"
#include "libudpserver/ipc/messages.hpp"
#include "resolvers/name_snapshot.hpp"
#include "resolvers/resolver.hpp"

namespace resolvers {

/// What an answer, or the time that has passed, changed: an update to publish and lines for the log.
struct NameReport {
    struct Event {
        const base::Message* message = nullptr;
        std::string text;
    };

    std::optional<ipc::NameUpdate> update;
    std::vector<Event> events;
};

void log_events(const NameReport& report);

/// The state of one configured name, for the control socket and INFO.
struct NameStatus {
    enum State {
        asked,     ///< not resolved yet
        resolved,  ///< its addresses are within their TTL
        stale,     ///< its addresses are past their TTL and still in use, since no newer answer has arrived
        denied,    ///< the name servers say that it does not exist, or has no address
        failed,    ///< it has no address because look-ups fail
    };

    std::string name;
    State state = asked;
    std::vector<base::Address> addresses;
    base::Duration expires_in{};  ///< of the addresses: end of the TTL; when stale: until they are dropped
    std::string last_error;       ///< empty: there was none
    base::Duration last_error_age{};
};

std::string_view to_string(NameStatus::State state);

/// The table of the configured names: addresses, expiry and next look-up of each. It decides; ConfigResolver
/// asks, publishes and sleeps.
///
/// A list of addresses is replaced as a whole (K-54). NXDOMAIN and NODATA are answers and empty it at once.
/// After a failure, or when only a snapshot is known, the last list stays for up to `stale_max` beyond its
/// TTL (K-55). A name that has never been resolved is published as unresolved first, so that a REG which has
/// addresses from an earlier ACR keeps them.
class ConfiguredNames {
public:
    struct RetryDelays {
        base::Duration first =
            std::chrono::seconds(1);  ///< after the first failure; each further one doubles it
        base::Duration max = std::chrono::seconds(60);  ///< also after NXDOMAIN and NODATA
    };

    /// All names are due at once. Addresses from the snapshot count as just expired.
    ConfiguredNames(const NameSnapshot& names, base::Duration stale_max, base::Instant now)
        : ConfiguredNames(names, stale_max, now, RetryDelays{}) {}
    ConfiguredNames(const NameSnapshot& names, base::Duration stale_max, base::Instant now,
                    RetryDelays delays);

    /// Names whose look-up is due, the longest overdue first. They are not due again until on_answer().
    std::vector<std::string> take_due(base::Instant now);
    /// Makes a name due now, unless its look-up is running. False: not a configured name.
    bool make_due(std::string_view name, base::Instant now);
    /// `jitter` in [0, 1] spreads names with equal TTL: the next look-up is due after 80 % to 90 % of it.
    NameReport on_answer(std::string_view name, const Answer& answer, base::Instant now, double jitter);
    /// Drops addresses that failures have kept for `stale_max`.
    std::vector<NameReport> expire(base::Instant now);
    /// When the next name is due or expires. Nothing: wait for answers.
    [[nodiscard]] std::optional<base::Instant> next_event() const;

    /// The current update of each name that has been published: what a new subscriber needs.
    [[nodiscard]] std::vector<ipc::NameUpdate> initial_updates() const;
    /// The current update of a configured name.
    [[nodiscard]] ipc::NameUpdate current_update(std::string_view name) const;

    [[nodiscard]] std::vector<NameStatus> status(base::Instant now) const;
    /// One line per name for INFO (K-20).
    [[nodiscard]] std::vector<std::string> info(base::Instant now) const;

private:
    struct Entry {
        enum class Answered { never, addresses, denial, failure, private_address };  ///< the last answer
        enum class Published { nothing, unresolved, addresses };

        std::string name;
        std::vector<base::Address> addresses;
        base::Instant valid_until{};  ///< end of the TTL; before the first answer, when the name was added
        Answered answered = Answered::never;
        Published published = Published::nothing;
        std::string last_error;
        base::Instant last_error_at{};
        std::optional<base::Instant> due;  ///< nothing: its look-up is running
        unsigned failures = 0;             ///< since the last answer

        [[nodiscard]] bool is_failing() const {
            return answered == Answered::failure || answered == Answered::private_address;
        }
        [[nodiscard]] bool is_stale(base::Instant now) const {
            return !addresses.empty() && now >= valid_until;
        }
        [[nodiscard]] ipc::NameUpdate update() const {
            return {name, published == Published::unresolved, addresses};
        }
        void publish(std::vector<base::Address> list, NameReport& report);
        void set_addresses(const Answer& answer, base::Instant now, NameReport& report);
        void deny(NameReport& report);
        void expire(NameReport& report);
    };

    [[nodiscard]] Entry* find(std::string_view name);
    [[nodiscard]] base::Duration next_delay(Entry& entry, const Answer& answer, double jitter) const;
    void on_failure(Entry& entry, Answer::Status status, base::Instant now, NameReport& report) const;
    /// When failures empty its list. Nothing: no look-up has failed, or there is nothing to drop.
    [[nodiscard]] std::optional<base::Instant> expiry(const Entry& entry) const;
    [[nodiscard]] NameStatus status(const Entry& entry, base::Instant now) const;

    base::Duration stale_max_;
    RetryDelays delays_;
    std::vector<Entry> names_;  ///< sorted by name
};

}  // namespace resolvers
