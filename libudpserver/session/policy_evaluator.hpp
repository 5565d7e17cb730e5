#pragma once

#include "libudpserver/policy/policy.hpp"
#include "libudpserver/session/client_names.hpp"

namespace session {

/// Asks the policy about clients of this worker, with what the worker knows of their names and of the time.
class PolicyEvaluator {
public:
    PolicyEvaluator(const policy::Policy& policy, const ClientNames& names)
        : policy_(policy), names_(names) {}

    [[nodiscard]] policy::Decision decide(const Endpoint& client, const Endpoint& local, std::uint8_t dscp,
                                          Instant now);
    /// For a client that has a session: as if its first datagram came now.
    [[nodiscard]] policy::Decision decide(const Record& record, Instant now) {
        return decide(record.client, record.local, record.dscp, now);
    }
    /// Why the decision refuses the client; `none` if it accepts it or has to wait.
    [[nodiscard]] CloseReason refusal(const policy::Decision& decision, const base::Address& client,
                                      Instant now) const;

private:
    const policy::Policy& policy_;
    const ClientNames& names_;
    base::LocalTime local_time_;
    Instant local_time_until_{};
};

}  // namespace session
