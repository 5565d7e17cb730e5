#include "libudpserver/session/policy_evaluator.hpp"

namespace session {

policy::Decision PolicyEvaluator::decide(const Endpoint& client, const Endpoint& local, std::uint8_t dscp,
                                         Instant now) {
    // Asking for the local time takes the C library's lock: once a second is exact enough for minutes.
    if (policy_.uses_time() && now >= local_time_until_) {
        local_time_ = base::LocalTime::now();
        local_time_until_ = now + std::chrono::seconds(1);
    }
    return policy_.decide({.client = client,
                           .local = local,
                           .dscp = dscp,
                           .time = local_time_,
                           .client_names = names_.find(client.address(), now)});
}

CloseReason PolicyEvaluator::refusal(const policy::Decision& decision, const base::Address& client,
                                     Instant now) const {
    using Kind = policy::Decision::Kind;
    switch (decision.kind) {
        case Kind::deny:
            return CloseReason::acl;
        case Kind::no_server:
            return policy_.rule(*decision.rule).plug_to.empty() ? CloseReason::no_target
                                                                : CloseReason::resolve_failure;
        case Kind::awaits_client_names:
            // The last look-up failed a moment ago: refuse the client instead of asking for each datagram.
            return names_.failed(client, now) ? CloseReason::resolve_failure : CloseReason::none;
        default:
            return CloseReason::none;
    }
}

}  // namespace session
