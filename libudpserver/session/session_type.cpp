#include "libudpserver/session/session_type.hpp"

#include <algorithm>

#include "libudpserver/net/pool_groups.hpp"

namespace session {

using base::Address;
using base::Family;
using conf::SessionType;

namespace {

/// The configuration may omit the interface of a link-local server; the kernel never does.
bool same_host(const Endpoint& a, const Endpoint& b) {
    return a.family == b.family && a.bytes == b.bytes && (a.scope == b.scope || a.scope == 0 || b.scope == 0);
}

bool same(const Endpoint& a, const Endpoint& b) {
    return same_host(a, b) && a.port == b.port;
}

bool same_network(const Endpoint& a, const Endpoint& b, unsigned prefix) {
    const unsigned bits = std::min(prefix, a.family == Family::v4 ? 32u : 128u);
    return a.family == b.family && base::network_of(a.address(), bits) == base::network_of(b.address(), bits);
}

ReplyAction when(bool allowed) {
    return allowed ? ReplyAction::forward : ReplyAction::foreign;
}

}  // namespace

ReplyAction action_for_reply(const Record& record, const conf::Rule& rule, const Endpoint& from) {
    if (record.type == SessionType::one_way) return ReplyAction::close_session;
    // A source that nothing can be sent to cannot be a server; fixing it would break the session.
    if (from.family != record.server.family || from.port == 0) return ReplyAction::foreign;
    switch (record.type) {
        case SessionType::any_port:
            if (!same_host(from, record.server)) return ReplyAction::foreign;
            if (record.server_fixed == 0) return ReplyAction::fix_and_forward;
            return when(!rule.any_port_strict || from.port == record.server.port);
        case SessionType::any_sock:
            return record.server_fixed != 0 ? when(same(from, record.server)) : ReplyAction::fix_and_forward;
        case SessionType::broadcast:
            return when(from.port == record.server.port &&
                        same_network(from, record.server, rule.broadcast_prefix));
        case SessionType::normal:
        case SessionType::one_way:
            break;
    }
    return when(same(from, record.server));
}

net::Accepts accepts(SessionType type) {
    return net::has_several_senders(type) ? net::Accepts::anyone : net::Accepts::server;
}

}  // namespace session
