#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/messages.hpp"
#include "libudpserver/ipc/messages.hpp"
#include "resolvers/family_answer.hpp"
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
        stale,     ///< its addresses are past their TTL, or denied, and still in use
        denied,    ///< the name servers say that it does not exist, or has no address
        failed,    ///< it has no address because look-ups fail
    };

    std::string name;
    State state = asked;
    std::vector<base::Address> addresses;
    base::Duration expires_in{};  ///< of the addresses: end of the TTL; when stale: until they are dropped
    std::string last_error;       ///< empty: there was none
    base::Duration last_error_age{};
    base::Family failed_family = base::Family::none;  ///< the only one whose look-ups fail
};

std::string_view to_string(NameStatus::State state);

/// The table of the configured names: addresses, expiry and next look-up of each. It decides; ConfigResolver
/// asks, publishes and sleeps.
///
/// The two address families of a name are independent. The list of one is replaced as a whole (K-54). After a
/// failure, or when only a snapshot is known, it stays for up to `stale_max` beyond its TTL (K-55), and the
/// failed family alone is asked again. NXDOMAIN and NODATA are answers and empty it at once; if that would
/// leave the name without any address, all stay for `negative_grace`. A name that has never been resolved is
/// published as unresolved first, so that a REG which has addresses from an earlier ACR keeps them.
class ConfiguredNames {
public:
    struct Delays {
        /// After a failure. It doubles with each further one; a name without addresses is retried at this
        /// delay or its double for the first minute.
        base::Duration first = std::chrono::seconds(1);
        base::Duration max = std::chrono::seconds(60);  ///< also after NXDOMAIN and NODATA
        base::Duration negative_grace{};
    };

    /// All names are due at once. Addresses from the snapshot count as just expired.
    ConfiguredNames(const NameSnapshot& names, base::Duration stale_max, base::Instant now)
        : ConfiguredNames(names, stale_max, now, Delays{}) {}
    ConfiguredNames(const NameSnapshot& names, base::Duration stale_max, base::Instant now, Delays delays);

    /// Names whose look-up is due, the longest overdue first. They are not due again until on_answer().
    std::vector<std::string> take_due(base::Instant now);
    /// Families whose look-up failed while that of the other did not, and is due again; for on_answer().
    struct FamilyLookup {
        std::string name;
        base::Family family;
        std::string found_as;  ///< what to ask for: another search domain could be another host
    };
    std::vector<FamilyLookup> take_due_families(base::Instant now);
    /// Makes names and families due whose look-ups fail, because the network changed.
    void make_failing_due(base::Instant now);
    /// Makes a name due now, unless its look-up is running. False: not a configured name.
    bool make_due(std::string_view name, base::Instant now);
    /// `jitter` in [0, 1] spreads names with equal TTL: the next look-up is due after 80 % to 90 % of it.
    /// `family`: of a FamilyLookup.
    NameReport on_answer(std::string_view name, const Answer& answer, base::Instant now, double jitter,
                         base::Family family = base::Family::none);
    /// Drops addresses that were kept for `stale_max` or `negative_grace`.
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
    enum class State { never, found, incomplete, denied, failed, is_private };  ///< by the last answer
    enum class Published { nothing, unresolved, addresses };

    struct FamilyState {
        std::vector<base::Address> addresses;
        base::Instant valid_until{};  ///< end of the TTL; before the first answer, when the name was added
        std::optional<FamilyAnswer::Kind> answered;  ///< the last one

        [[nodiscard]] bool is_failing() const { return answered == FamilyAnswer::failed; }
    };
    /// The next look-up of the family that failed alone.
    struct Retry {
        base::Family family;
        std::string found_as;
        std::optional<base::Instant> due;  ///< nothing: it is running
        unsigned failures = 0;
    };
    struct Entry {
        std::string name;
        std::array<FamilyState, families.size()> family;
        State state = State::never;
        Published published = Published::nothing;
        std::vector<base::Address> addresses;  ///< of all families, as published
        std::string last_error;
        base::Instant last_error_at{};
        std::optional<base::Instant> due;  ///< nothing: its look-up is running
        unsigned failures = 0;             ///< since the last answer
        std::optional<Retry> retry;
        std::optional<base::Instant> denied_until;  ///< the grace period after a denial

        [[nodiscard]] bool is_failing() const {
            return state == State::failed || state == State::is_private || state == State::incomplete;
        }
        [[nodiscard]] bool is_stale(base::Instant now) const;
        [[nodiscard]] ipc::NameUpdate update() const {
            return {name, published == Published::unresolved, addresses};
        }
        void publish(NameReport& report);
        void clear(NameReport& report);
        void log(const base::Message& message, const std::string& what, NameReport& report) const;
    };

    [[nodiscard]] Entry* find(std::string_view name);
    void schedule(Entry& entry, const Answer& answer, base::Instant now, double jitter) const;
    void schedule_retry(Entry& entry, const Answer& answer, base::Instant now) const;
    [[nodiscard]] base::Duration failure_delay(const Entry& entry, unsigned failures) const;
    void apply(Entry& entry, const FamilyAnswers& answers, base::Instant now) const;
    void apply_denials(Entry& entry, base::Instant now) const;
    void enter(Entry& entry, State next, base::Instant now, NameReport& report) const;
    [[nodiscard]] std::string kept(const Entry& entry, base::Instant now) const;
    void drop_expired(Entry& entry, base::Instant now, NameReport& report) const;
    /// When the list of a family is dropped. Nothing: no look-up has failed, or there is nothing to drop.
    [[nodiscard]] std::optional<base::Instant> expiry(const Entry& entry, std::size_t family) const;
    [[nodiscard]] base::Duration time_left(const Entry& entry, base::Instant now) const;
    [[nodiscard]] NameStatus status(const Entry& entry, base::Instant now) const;

    base::Duration stale_max_;
    Delays delays_;
    std::vector<Entry> names_;  ///< sorted by name
};

}  // namespace resolvers
