#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/messages.hpp"
#include "libudpserver/ipc/messages.hpp"
#include "resolvers/known_names.hpp"
#include "resolvers/name_sink.hpp"
#include "resolvers/name_table.hpp"
#include "resolvers/resolver.hpp"

namespace resolvers {

/// A line for the log.
struct NameEvent {
    const base::Message* message = nullptr;
    std::string text;
};

/// What follows from an answer: what whoever uses the names is told, and what the log says.
struct NameReport {
    std::optional<ipc::NameNews> news;
    std::vector<NameEvent> events;
};

/// What there is to know of a name.
struct NameFacts {
    enum State {
        asked,     ///< only asked for: nobody knows anything yet
        resolved,  ///< its addresses are as good as the name servers say
        stale,     ///< its addresses have expired and stay in use; nothing better has come
        denied,    ///< the name servers say that it does not exist, or has no address
        failed,    ///< no address, because of failures
    };

    std::string name;
    State state = asked;
    std::vector<base::Address> addresses;
    base::Duration expires_in{};  ///< of the addresses; when stale, until they are given up
    std::string trouble;          ///< the last one, empty if there was none
    base::Duration trouble_ago{};
};

std::string_view to_string(NameFacts::State state);

/// What is known of the configuration's names, and what is to be said about them. Only decisions: whoever
/// uses it asks and tells. The first answer to each name is told, then only changes, each list as a whole
/// (K-54). A name without an answer is first told as unresolved, so that whoever has addresses from before
/// keeps them; when failures have lasted for `stale_max`, its end is told (K-55). So it is with what a name
/// meant to a keeper before: it holds until there is an answer. What a change does is logged where the names
/// are used (NAMS-210-N).
class NameKeeper {
public:
    NameKeeper(const std::vector<std::string>& names, base::Duration stale_max, base::Instant start,
               const KnownNames& known = {});

    /// What is known from before, to be told first.
    [[nodiscard]] std::vector<ipc::NameNews> recalled() const;

    /// An answer to a question about `name`, good or bad. Of a name that is not kept nothing follows.
    NameReport take(const std::string& name, const Answer& answer, base::Instant now);

    /// When the first name is to be given up that only failures came for; nothing while there is none.
    [[nodiscard]] std::optional<base::Instant> next_expiry() const;
    /// Gives up every name whose time has come.
    std::vector<NameReport> expire(base::Instant now);

    [[nodiscard]] std::vector<NameFacts> facts(base::Instant now) const;
    /// For each name its addresses, when they expire, and the last trouble (K-20).
    [[nodiscard]] std::vector<std::string> info(base::Instant now) const;

private:
    enum class State { asked, good, denied, failing, failing_private };
    struct Kept {
        State state = State::asked;
        bool told = false;        ///< anything at all
        bool unresolved = false;  ///< that is all that was told
        bool given_up = false;    ///< and not answered since
        std::string trouble;      ///< the last one, with its time; stays after it is over
        base::Instant trouble_at{};
    };

    void take_good(const std::string& name, Kept& kept, bool changed, NameReport& report);
    void take_denial(const std::string& name, Kept& kept, bool changed, NameReport& report);
    void take_failure(const std::string& name, Kept& kept, const Answer& answer, base::Instant now,
                      NameReport& report);
    void give_up(const std::string& name, Kept& kept, base::Instant now, NameReport& report);
    void tell(const std::string& name, Kept& kept, bool unresolved, NameReport& report);
    [[nodiscard]] bool may_be_given_up(const std::string& name, const Kept& kept) const;
    [[nodiscard]] NameFacts facts(const std::string& name, const Kept& kept, base::Instant now) const;
    [[nodiscard]] NameFacts::State state(const std::string& name, const Kept& kept, base::Instant now) const;

    NameTable table_;
    std::map<std::string, Kept, std::less<>> names_;
};

/// Hands the parts of a report to whom they belong to. Nobody to tell is allowed.
void deliver(const NameReport& report, NameSink* sink);

}  // namespace resolvers
