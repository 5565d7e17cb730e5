#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include "libudpserver/session/lookup.hpp"
#include "libudpserver/session/record.hpp"
#include "libudpserver/session/session_key.hpp"

namespace session {

/// The confirmed reverse names of clients, as a worker has found them out (K-63), and who has been asked for.
/// An address is asked for once, however many wait for it (K-59). Fixed bounds; of the answers the oldest
/// give way.
class ClientNames {
public:
    static constexpr std::size_t capacity = 1024;

    /// A session that wants to know its client's names and does not wait for them.
    struct Curious {
        Slot slot = none;
        std::uint32_t generation = 0;
    };

    /// Whom an answer concerns.
    struct Askers {
        std::vector<Curious> curious;
        bool awaited = false;  ///< a first datagram waits for it, or has waited too long
    };

    /// `most_asked`: look-ups that may be under way at the same time.
    explicit ClientNames(std::size_t most_asked) : most_asked_(most_asked) {}

    /// Null when they are not known; empty when there are none.
    [[nodiscard]] const std::vector<std::string>* find(const base::Address& client, Instant now) const;
    /// A look-up failed a short time ago.
    [[nodiscard]] bool failed(const base::Address& client, Instant now) const;

    /// Nobody else can be asked for now.
    [[nodiscard]] bool full() const { return asked_.size() >= most_asked_; }

    enum class Ask : std::uint8_t { now, asked_already, too_many };
    /// With `now` it counts as asked from here on, until answered().
    Ask ask(const base::Address& client);
    /// The address must have been asked for.
    void add_curious(const base::Address& client, Curious session);
    /// Likewise.
    void set_awaited(const base::Address& client) { asked_.at(client).awaited = true; }
    /// Returns who wanted to know.
    Askers answered(const base::Address& client, const LookupAnswer& answer, Instant now);

    [[nodiscard]] bool asks(const base::Address& client) const { return asked_.contains(client); }
    [[nodiscard]] std::size_t asked() const { return asked_.size(); }
    [[nodiscard]] std::size_t size() const { return known_.size(); }

private:
    /// With a random key: nobody can choose addresses that fall into one chain.
    struct Hash {
        KeyHash hash;
        std::size_t operator()(const base::Address& address) const {
            return hash({base::Endpoint(address, 0), {}, 0});
        }
    };
    struct Known {
        std::vector<std::string> names;
        bool failed = false;
        Instant until;  ///< inclusive, so that what waited can use an answer with a TTL of 0
        std::list<base::Address>::iterator age;
    };

    [[nodiscard]] const Known* valid(const base::Address& client, Instant now) const;
    void forget(base::Address client);

    std::size_t most_asked_;
    std::unordered_map<base::Address, Known, Hash> known_;
    std::list<base::Address> ages_;  ///< of known_, the oldest first
    std::unordered_map<base::Address, Askers, Hash> asked_;
};

}  // namespace session
