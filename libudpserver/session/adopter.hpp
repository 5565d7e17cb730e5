#pragma once

#include "libudpserver/session/engine_parts.hpp"

namespace session {

/// What became of the records that a new REG found.
struct Adoption {
    std::uint32_t adopted = 0, aborted = 0;
    std::uint32_t ended = 0;     ///< by a new policy
    std::uint32_t recorded = 0;  ///< that the last REG had closed
};

/// Takes over the sessions that the last REG left (doc/design.md, Adoption). Records are believed only as far
/// as they fit the configuration, the sockets and each other; table, timers and counts are built from them.
class Adopter {
public:
    explicit Adopter(EngineParts& parts) : parts_(parts) {}

    /// With `fresh` no record is adopted.
    Adoption adopt_all(bool fresh, Instant now);

private:
    AdoptResult adopt(Session session, Instant now);
    bool adopt_in_present(Session session, Instant now);
    [[nodiscard]] bool is_plausible(const Record& record) const;
    [[nodiscard]] bool fits_policy(const Record& record) const;
    [[nodiscard]] bool fits_rule(const Record& record) const;
    void close(Session session, AdoptResult result, bool fresh, Instant now);

    EngineParts& parts_;
};

}  // namespace session
