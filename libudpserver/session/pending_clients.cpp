#include "libudpserver/session/pending_clients.hpp"

#include <algorithm>
#include <utility>

#include "libudpserver/session/session_engine.hpp"

namespace session {

namespace {

/// A source may use this much, however small its share: 16 clients, or the bytes of one.
constexpr std::size_t min_clients = 16;

std::size_t share_of(std::size_t all, unsigned percent, std::size_t least) {
    return percent >= 100 ? ~std::size_t{0} : std::max(least, all * percent / 100);
}

}  // namespace

PendingClients::PendingClients(Duration timeout, unsigned source_share, HoldBudget& budget, LookUp look_up,
                               SessionReports& reports)
    : timeout_(timeout),
      look_up_(std::move(look_up)),
      reports_(reports),
      budget_(budget),
      max_clients_(share_of(budget.sessions(), source_share, min_clients)),
      max_bytes_(share_of(budget.memory(), source_share, 2 * budget.bytes())),
      client_names_(budget_.sessions()) {}

PendingClients::Client* PendingClients::find(const SessionKey& key) {
    if (clients_.empty()) return nullptr;
    const auto found = places_.find(key);
    return found == places_.end() ? nullptr : &*found->second;
}

bool PendingClients::append(const SessionKey& key, std::size_t listener, const net::Datagram& datagram,
                            Instant now) {
    Client* client = find(key);
    if (client == nullptr) return false;
    if (push(client->queue, listener, datagram)) {
        reports_.held();
    } else {
        reports_.hold_dropped(1);
        no_room(datagram.from, now);
    }
    return true;
}

bool PendingClients::push(HoldQueue& queue, std::size_t listener, const net::Datagram& datagram) {
    const auto use = uses_.try_emplace(source_prefix(datagram.from.address())).first;
    const std::size_t before = queue.cost();
    const bool pushed = use->second.bytes < max_bytes_ && queue.push(listener, datagram);
    use->second.bytes += queue.cost() - before;
    if (use->second.bytes == 0) uses_.erase(use);
    return pushed;
}

void PendingClients::leave(const Client& client) {
    if (client.awaits_socket()) --awaiting_socket_;
    const auto use = uses_.find(source_prefix(client.key.client.address()));
    if (use == uses_.end()) return;
    use->second.bytes -= client.queue.cost();
    if (--use->second.clients == 0) uses_.erase(use);
}

CloseReason PendingClients::room_for(const base::Address& source, const policy::Decision& decision) const {
    const auto use = uses_.find(source_prefix(source));
    if (use != uses_.end() && (use->second.clients >= max_clients_ || use->second.bytes >= max_bytes_))
        return CloseReason::source_limited;
    if (awaits_socket(decision) && awaiting_socket_ * 2 >= budget_.sessions()) return CloseReason::no_socket;
    if (clients_.size() < budget_.sessions()) return CloseReason::none;
    return awaits_socket(decision) ? CloseReason::no_socket : CloseReason::resolve_failure;
}

CloseReason PendingClients::park(const SessionKey& key, std::size_t listener, const net::Datagram& datagram,
                                 const policy::Decision& decision, Instant now) {
    HoldQueue queue(budget_);
    CloseReason reason = room_for(datagram.from.address(), decision);
    if (reason == CloseReason::none && !push(queue, listener, datagram))
        reason = awaits_socket(decision) ? CloseReason::no_socket : CloseReason::resolve_failure;
    if (reason != CloseReason::none) {
        no_room(datagram.from, now);
        return reason;
    }
    ++uses_[source_prefix(datagram.from.address())].clients;
    if (awaits_socket(decision)) ++awaiting_socket_;
    clients_.push_back({key, decision, now + timeout_, std::move(queue)});
    places_[key] = std::prev(clients_.end());
    return reason;
}

void PendingClients::remove(const SessionKey& key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return;
    leave(*found->second);
    clients_.erase(found->second);
    places_.erase(found);
}

PendingClients::List PendingClients::take(const std::function<bool(Client&)>& is_ready) {
    List taken;
    for (auto client = clients_.begin(); client != clients_.end();) {
        const auto here = client++;
        if (!is_ready(*here)) continue;
        leave(*here);
        places_.erase(here->key);
        taken.splice(taken.end(), clients_, here);
    }
    return taken;
}

PendingClients::List PendingClients::take_overdue(Instant now) {
    List taken;
    while (!clients_.empty() && clients_.front().deadline <= now) {
        leave(clients_.front());
        places_.erase(clients_.front().key);
        taken.splice(taken.end(), clients_, clients_.begin());
    }
    return taken;
}

std::optional<Instant> PendingClients::next_deadline() const {
    if (clients_.empty()) return std::nullopt;
    return clients_.front().deadline;
}

void PendingClients::hold(Session session, const net::Datagram& datagram, Instant now) {
    SessionExtra& extra = extra_of(session);
    extra.is_holding = true;
    if (extra.queue.push(session->listener, datagram)) {
        reports_.held();
    } else {
        reports_.hold_dropped(1);
        no_room(session->client, now);
    }
}

SessionExtra& PendingClients::extra_of(Session session) {
    std::unique_ptr<SessionExtra>& extra = session.side().extra;
    if (!extra) extra = std::make_unique<SessionExtra>(budget_);
    return *extra;
}

void PendingClients::no_room(const Endpoint& client, Instant now) {
    reports_.hold_full(client, clients_.size(), budget_.used(), now);
}

// Look-ups.

void PendingClients::look_up(base::Lookup lookup, LookupDone done) {
    if (look_up_) {
        look_up_(std::move(lookup), std::move(done));
    } else {
        unanswerable_.push_back(std::move(done));
    }
}

/// False: too many are pending.
bool PendingClients::ask_client_names(const base::Address& client, Instant now) {
    switch (client_names_.ask(client)) {
        case ClientNames::Ask::asked_already:
            return true;
        case ClientNames::Ask::too_many:
            reports_.lookup_busy(client, client_names_.asked(), now);
            return false;
        case ClientNames::Ask::now:
            break;
    }
    look_up({.address = client}, [client](SessionEngine& engine, const base::LookupAnswer& answer,
                                          Instant at) { engine.client_names_arrived(client, answer, at); });
    return true;
}

bool PendingClients::await_client_names(const base::Address& client, Instant now) {
    if (!ask_client_names(client, now)) return false;
    client_names_.set_awaited(client);
    return true;
}

bool PendingClients::may_ask_for_log(const base::Address& client, Instant now) const {
    if (client_names_.failed(client, now)) return false;
    return client_names_.asks(client) || client_names_.asked() * 2 < budget_.sessions();
}

void PendingClients::request_client_names(const base::Address& client, Instant now) {
    if (may_ask_for_log(client, now)) ask_client_names(client, now);
}

void PendingClients::name_client(Session session, Instant now) {
    const base::Address client = session->client.address();
    if (const std::vector<std::string>* names = client_names_.find(client, now)) {
        if (!names->empty()) extra_of(session).client_name = names->front();
    } else if (may_ask_for_log(client, now) && ask_client_names(client, now)) {
        client_names_.add_log_only(client, session.id());
    }
}

void PendingClients::client_names_arrived(SessionStore& sessions, const base::Address& client,
                                          const base::LookupAnswer& answer, Instant now) {
    const ClientNames::Waiters waiters = client_names_.answered(client, answer, now);
    for (const SessionId& id : waiters.log_only) {
        const Session session = sessions.find(id);
        if (session && !answer.names.empty()) extra_of(session).client_name = answer.names.front();
    }
    // Also when it failed after the datagrams that waited for it had been refused.
    if (is_failure(answer.status) && waiters.awaited) reports_.client_lookup_failed(client, answer);
}

}  // namespace session
