#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/token_bucket.hpp"
#include "libudpserver/net/send_batch.hpp"
#include "libudpserver/policy/policy.hpp"
#include "libudpserver/session/admission.hpp"
#include "libudpserver/session/chronicle.hpp"
#include "libudpserver/session/client_names.hpp"
#include "libudpserver/session/hold_queue.hpp"
#include "libudpserver/session/inspection.hpp"
#include "libudpserver/session/refusal_log.hpp"
#include "libudpserver/session/refused_clients.hpp"
#include "libudpserver/session/session_filter.hpp"
#include "libudpserver/session/session_limits.hpp"
#include "libudpserver/session/session_table.hpp"
#include "libudpserver/session/sessions_setup.hpp"
#include "libudpserver/session/socket_leases.hpp"
#include "libudpserver/session/timer_wheel.hpp"
#include "libudpserver/session/unanswered_queue.hpp"
#include "libudpserver/session/waiting_openers.hpp"

namespace session {

/// Where a worker's slice of the arena begins; for the number of workers, its end.
[[nodiscard]] Slot first_slot(const Arena& arena, const conf::Config& config, unsigned worker);

/// The session engine of one worker: decides what happens to each datagram. It reads no socket and asks no
/// clock; datagrams and the time are given to it, and what it sends goes through a SendBatch that end_turn()
/// flushes.
///
/// Lives of a session: open() → forward_*() … → end() marks it and takes it out of the table → settle() at
/// the end of the turn, when everything of its is sent, closes it. Between end() and settle() it neither
/// sends nor receives.
class Sessions {
public:
    explicit Sessions(const SessionsSetup& setup);
    ~Sessions();

    // The worker's turns
    // -------------------------------------------------------------------------------------

    /// A datagram of a client. Valid until end_turn(), since it is sent from where it lies.
    void on_client(std::size_t listener, net::Datagram& datagram, Instant now);
    /// A datagram that a pool socket received, likewise.
    void on_server(Slot place, net::Datagram& datagram, Instant now);
    /// Reading a pool socket failed: an ICMP report of a connected one (K-48).
    void on_server_error(Slot place, int error);

    /// Sends what is queued and closes what has ended. The datagrams given since the last call may go then.
    void end_turn(Instant now);

    /// Expires sessions, a bounded number a call (O-37), and first datagrams that waited too long, and writes
    /// the refusals of the last second.
    void tick(Instant now);
    /// When tick() has something to do next.
    [[nodiscard]] std::optional<Instant> next_tick() const;

    // Names
    // --------------------------------------------------------------------------------------------------

    /// A name of the configuration means these addresses from now on, or with `unresolved` what it meant.
    /// Returns how many sessions were on an address that went by that out of their rule's plug-to; what they
    /// do says on-name-change. Right after an adoption nobody knows what a name meant before: when all names
    /// of a rule have been heard of, its sessions elsewhere are taken for sessions on addresses that went.
    std::size_t name_news(std::size_t name, policy::Names::Addresses addresses, bool unresolved, Instant now);
    [[nodiscard]] const policy::Names& names() const { return policy_.names(); }
    /// Clients whose first datagrams wait.
    [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

    // Sockets
    // ------------------------------------------------------------------------------------------------

    bool add_socket(Slot place, int fd, std::size_t group) { return leases_.add(place, fd, group); }
    /// The answer to a request has been added; `complete` when nothing was missing.
    void sockets_came(std::size_t group, bool complete, Instant now);
    [[nodiscard]] int descriptor(Slot place) const { return leases_.descriptor(place); }

    // Begin and end
    // ------------------------------------------------------------------------------------------

    /// Takes over what the last REG left, or with `fresh` reports all of it as aborted. Called once, after
    /// the inherited sockets were added.
    Adoption adopt(bool fresh, Instant now);
    /// From now on no session begins: first datagrams are refused with reason `admin`. Running ones go on.
    void drain() { draining_ = true; }
    /// A session for which max-sessions has no place any more: reports it as ended by the policy.
    void end_leftover(const Record& record, Slot slot, Instant now);
    /// Closes and reports every session.
    void close_all(CloseReason reason, Instant now);

    [[nodiscard]] std::size_t open_sessions() const { return slice_.size() - free_.size(); }
    [[nodiscard]] const SocketLeases& leases() const { return leases_; }
    [[nodiscard]] std::vector<SocketUse> socket_use(Instant now) { return leases_.use(now); }
    /// By rule; the last one counts for datagrams that no rule decided about.
    [[nodiscard]] const std::vector<RuleCount>& rule_counts() const { return rule_counts_; }

    // Asked from outside (session_queries.cpp)
    // ------------------------------------------------------------------------

    /// Adds sessions that the filter means, from `from` on and until `found` has `most`; looks at a bounded
    /// number. Returns where to go on, `none` at the end of this worker's.
    Slot select(const SessionFilter& filter, Slot from, std::size_t most, Instant now,
                std::vector<Found>& found) const;
    [[nodiscard]] std::optional<Details> details(SessionId id, Instant now) const;
    /// Ends the session with reason `admin`; for `refuse` its client's address gets no new one. False: there
    /// is no such session (any more).
    bool close_by_admin(SessionId id, Duration refuse, Instant now);
    /// The address gets no new session for so long, here: its datagrams may come to any worker. False when no
    /// more addresses can be remembered.
    bool refuse_client(const base::Address& client, Duration refuse, Instant now) {
        return refused_clients_.add(client, now + refuse, now);
    }
    /// The listener that hears what is sent there.
    [[nodiscard]] std::optional<std::size_t> listener_at(const Endpoint& local) const;
    /// What would happen to a small datagram now (K-30), whatever the proxy would say of its contents; the
    /// client may have no port. Sends nothing, takes nothing from any limit; a session of this client whose
    /// time is over ends.
    [[nodiscard]] Explanation explain(const policy::Question& question, std::size_t listener, Instant now);
    [[nodiscard]] const Chronicle& chronicle() const { return chronicle_; }

private:
    friend class SessionContext;

    /// The tag of a datagram in the SendBatch that belongs to no session. Any other is the slot, and says
    /// which side the datagram goes to.
    static constexpr std::uint64_t no_session = ~std::uint64_t{0};
    /// Statistics records that may be written between two waits for the log's queue.
    static constexpr std::size_t records_at_once = 1024;

    /// What few sessions have.
    struct Extra {
        explicit Extra(HoldBudget& budget) : queue(budget) {}

        HoldQueue queue;
        bool holding = false;   ///< the client's datagrams go into the queue, not to the handler
        bool resuming = false;  ///< resume() was called: they go on after this call
        std::string client_name;
    };

    /// What the engine keeps of a session outside the record, because it need not survive.
    struct Volatile {
        std::unique_ptr<SessionHandler> handler;
        IdleWindow idle_window;
        std::unique_ptr<Extra> extra;  ///< mostly null
    };

    /// How a group of sockets is supplied with more. Each has its own pause: a rule that used up its few
    /// source ports must not stop the others.
    struct Supply {
        Instant not_before{};    ///< the next request: one is on its way, or was answered with too few
        Instant refuse_until{};  ///< no session of this group begins: there was no socket (L-26)
        Duration pause{0};
        bool exhausted = false;  ///< the last answer was too few: there are no more
    };

    // Opening (session_opening.cpp)
    Slot open(std::size_t listener, const net::Datagram& datagram, Instant now);
    /// What must hold before the policy is asked; `none` if it does. Takes nothing from any rate.
    CloseReason knock(const net::Datagram& datagram, Instant now);
    [[nodiscard]] policy::Question question_about(const Endpoint& client, const Endpoint& local,
                                                  std::uint8_t dscp, Instant now);
    policy::Decision ask_policy(const net::Datagram& datagram, Instant now);
    /// Why the decision refuses the client; `none` if it accepts it or has to wait.
    [[nodiscard]] CloseReason refusal_by(const policy::Decision& decision, const base::Address& client,
                                         Instant now) const;
    /// What must hold after it: why the datagram may not open a session, or `none`.
    CloseReason admit(std::size_t listener, const net::Datagram& datagram, const policy::Decision& decision,
                      Instant now);
    CloseReason charge(const net::Datagram& datagram, Instant now);
    /// Asks the proxy; sends its answer if it has one. False: no session begins.
    bool proxy_accepts(std::size_t listener, const net::Datagram& datagram, Instant now);
    void answer_opener(std::size_t listener, const net::Datagram& datagram, std::span<const std::byte> answer,
                       Instant now);
    bool socket_free(std::size_t group, Instant now);
    CloseReason make_room(const conf::Rule& rule, Instant now);
    [[nodiscard]] Slot to_evict_for(const conf::Rule& rule) const;
    /// Builds the session; leaves nothing behind when that fails.
    CloseReason start(Slot slot, std::size_t listener, const net::Datagram& datagram,
                      const policy::Decision& decision, Instant now);
    void fill(Record& record, std::size_t listener, const net::Datagram& datagram,
              const policy::Decision& decision, Instant now);
    CloseReason connect(Slot slot, Instant now);
    Slot lease_socket(std::size_t group, Slot slot, Instant now);
    void ask_for_sockets(std::size_t group, Instant now);
    void no_socket(std::size_t group, Instant now);
    void go_live(Slot slot);
    void abandon(Slot slot);
    void warn_of_refusal(const net::Datagram& datagram, CloseReason reason, std::optional<std::size_t> rule,
                         Instant now);
    void refuse(const net::Datagram& datagram, CloseReason reason, std::optional<std::size_t> rule,
                Instant now);

    // Explaining (session_explain.cpp)
    bool explain_known(Explanation& result, std::size_t listener, const net::Datagram& datagram, Instant now);
    [[nodiscard]] bool may_wait(const base::Address& client, const policy::Decision& decision) const;
    CloseReason no_room_for(std::size_t rule, base::Family family, Instant now);

    // Waiting for names (session_waiting.cpp)
    [[nodiscard]] SessionKey key_of(std::size_t listener, const net::Datagram& datagram) const;
    bool join_waiter(std::size_t listener, const net::Datagram& datagram);
    /// `none`: it waits from now on.
    CloseReason begin_waiting(std::size_t listener, const net::Datagram& datagram,
                              const policy::Decision& decision, Instant now);
    bool judge_again(WaitingOpeners::Waiter& waiter, Instant now);
    void go_on(WaitingOpeners::List waiters, Instant now);
    void replay(WaitingOpeners::Waiter& waiter, Instant now);
    void refuse_waiters(WaitingOpeners::List waiters, CloseReason reason, Instant now);
    void no_room(const Endpoint& client);
    void look_up(Lookup lookup, SessionsSetup::LookupDone done);
    void fail_lookups(Instant now);
    bool ask_client_names(const base::Address& client);
    bool await_client_names(const base::Address& client);
    void client_names_came(const base::Address& client, const LookupAnswer& answer, Instant now);
    [[nodiscard]] bool curiosity_allowed(const base::Address& client) const;
    void name_client(Slot slot, Instant now);

    // Sessions that hold (session_holding.cpp)
    Extra& extra_of(Slot slot);
    [[nodiscard]] bool holds(Slot slot) const;
    void hold(Slot slot, const net::Datagram& datagram);
    void resume(Slot slot);
    /// After each call of a handler that may have called resume().
    void release_held(Slot slot, Instant now);
    void drop_held(Slot slot);
    void resolve(Slot slot, const std::string& name, SessionContext::Resolved done);
    void resolved(Slot slot, const SessionContext::Resolved& done, const LookupAnswer& answer, Instant now);
    bool set_server(Slot slot, const Endpoint& server, Instant now);
    CloseReason reconnect(Slot slot, const Endpoint& server, Instant now);

    // Names that change (name_changes.cpp)
    /// Which sessions may be on an address that went, by rule.
    struct Review {
        enum class Kind : std::uint8_t {
            nobody,
            gone,  ///< those with one of the addresses `gone`
            all    ///< those with any address that the rule does not have: what it had is not known
        };
        std::vector<Kind> rules;
        policy::Names::Addresses gone;
    };
    std::size_t review(std::size_t name, const policy::Names::Addresses& before, bool first_word,
                       Instant now);
    void review_adopted(Instant now);
    [[nodiscard]] bool all_known(std::size_t rule) const;
    [[nodiscard]] bool all_heard(std::size_t rule) const;
    std::size_t leave_addresses(const Review& review, Instant now);
    [[nodiscard]] bool is_left(const Record& session, Review::Kind kind,
                               const policy::Names::Addresses& gone) const;
    void leave_address(Slot slot, Instant now);
    void move(Slot slot, Instant now);
    void leave_some(Instant now);
    void leave_with_new_sockets(Instant now);
    [[nodiscard]] bool own_endpoint(const Endpoint& endpoint) const;

    // Forwarding (sessions.cpp)
    Slot running(std::size_t listener, const net::Datagram& datagram, bool& refused, Instant now);
    void forward_to_server(Slot slot, net::Datagram& datagram, Instant now);
    Verdict pass_to_server(Slot slot, net::Datagram& datagram, Instant now);
    void client_limit_now(Slot slot);
    void forward_to_client(Slot slot, net::Datagram& datagram, Instant now);
    void first_reply(Slot slot);
    bool foreign_reply(Slot slot, const net::Datagram& datagram, Instant now);
    Verdict ask_handler(Slot slot, net::Datagram& datagram, bool from_client, Instant now);
    void queue_to_server(Slot slot, std::span<const std::byte> payload, std::uint8_t tos);
    void queue_to_client(Slot slot, std::span<const std::byte> payload, std::uint8_t tos, const Endpoint& as);
    void sent(std::uint64_t tag, std::size_t size, int error);
    void count_send_error(Slot slot, int error);
    void icmp_error(Slot slot, int error);

    // Closing (session_closing.cpp)
    void detach(Slot slot);
    void end(Slot slot, CloseReason reason);
    void settle(Instant now);
    void close(Slot slot, Instant now);
    [[nodiscard]] Instant rest_until(const Record& record, Instant now) const;
    void report(const Record& record, Slot slot, Instant now);
    void flush_refusals(Instant now);
    void set_deadline(Slot slot);
    void count_open();

    // Adoption (adoption.cpp)
    enum class Fate : std::uint8_t { adopted, aborted, ended };
    Fate adopt_slot(Slot slot, Instant now);
    bool adopt_record(Slot slot, Instant now);
    [[nodiscard]] bool plausible(const Record& record) const;
    void abort_record(Slot slot, Instant now, const char* why);
    void close_record(Slot slot, CloseReason reason, Instant now);

    // Another policy (policy_change.cpp)
    static constexpr std::uint32_t no_epoch = ~std::uint32_t{0};
    Fate rejudge(Slot slot, Instant now);
    [[nodiscard]] std::optional<std::size_t> new_listener(const PastPolicy& past, std::size_t listener);
    [[nodiscard]] std::optional<std::size_t> rule_named(const std::string& name) const;
    [[nodiscard]] bool may_go_on(const Record& session, std::optional<std::size_t> rule) const;
    void write_indices(Record& session, std::size_t listener, std::size_t rule, bool unjudged) const;
    void settle_server(Slot slot, Instant now);
    void judge_running(Slot slot, Instant now);
    void judge_unjudged(Instant now);
    void judge_clients(Instant now);
    void names_of_unjudged(const base::Address& client, Instant now);
    void forget_unjudged(Slot slot);
    [[nodiscard]] const conf::Rule* rule_for_report(const Record& record) const;

    [[nodiscard]] Record& record(Slot slot) { return arena_.records()[slot]; }
    [[nodiscard]] bool is_open(SessionId id) const;
    [[nodiscard]] const conf::Rule& rule_of(const Record& record) const { return policy_.rule(record.rule); }
    [[nodiscard]] Volatile& volatile_of(Slot slot) { return volatile_[slot - first_]; }
    [[nodiscard]] const Volatile& volatile_of(Slot slot) const { return volatile_[slot - first_]; }
    [[nodiscard]] bool uses_own_worker(Slot slot) const {
        return slot >= first_ && slot - first_ < slice_.size();
    }
    [[nodiscard]] std::size_t group_index(const conf::Rule& rule, base::Family family) const;
    [[nodiscard]] bool unanswered_full() const;
    /// No session may begin: this worker has its share of max-sessions.
    [[nodiscard]] bool full() const { return free_.empty() || open_sessions() >= most_; }

    const conf::Config& config_;
    net::ListenerSet& listeners_;
    const std::vector<net::PoolGroup>& groups_;
    Arena& arena_;
    unsigned worker_;
    Proxy& proxy_;
    std::function<void(std::size_t)> request_sockets_;
    std::function<void(Lookup, SessionsSetup::LookupDone)> look_up_;  ///< empty: nobody answers

    Slot first_;  ///< this worker's slice of the arena
    std::span<Record> slice_;
    Totals& totals_;
    const PolicyHistory* history_;
    std::uint32_t epoch_;
    std::vector<std::vector<std::optional<std::size_t>>> new_listeners_;  ///< by past policy and its listener
    std::vector<Slot> moved_policy_;  ///< adopted now from an earlier policy
    std::size_t unjudged_ = 0;        ///< open sessions that are
    std::deque<SessionId> nameless_;  ///< unjudged for the want of their clients' names
    Instant ask_clients_at_{};        ///< the next look at those
    policy::Policy policy_;
    std::vector<bool> heard_;  ///< by name: its addresses have been told to this engine
    std::unordered_map<Slot, std::uint32_t> to_leave_;     ///< with generation; are to move or to end
    std::unordered_map<Slot, std::uint32_t> left_behind_;  ///< likewise; wait for a socket to move
    bool adopted_ = false;
    bool draining_ = false;
    HoldBudget hold_budget_;
    WaitingOpeners waiting_;
    ClientNames client_names_;
    bool paid_ = false;  ///< what is replayed has been charged to the rates when it began to wait
    std::vector<SessionsSetup::LookupDone> unanswerable_;  ///< to be told so in the next tick
    std::vector<HoldQueue::Held> leaving_;                 ///< payloads that the batch still refers to
    SessionTable table_;
    TimerWheel wheel_;
    UnansweredQueue unanswered_;
    UnansweredQueue one_way_;  ///< those that nobody is to answer
    Admission admission_;
    SocketLeases leases_;
    net::SendBatch out_;
    RefusalLog refusals_;
    std::vector<Volatile> volatile_;
    std::vector<Slot> free_;
    std::vector<Slot> ending_;
    std::size_t most_;  ///< this worker's share of max-sessions; the slice may be larger
    std::size_t unanswered_most_;

    RefusedClients refused_clients_;
    Chronicle chronicle_;
    std::vector<Supply> supplies_;  ///< by group
    std::vector<RuleCount> rule_counts_;
    Instant refusals_due_{};
    std::array<Instant, static_cast<std::size_t>(CloseReason::count_)> warned_{};
    base::LocalTime local_time_;
    Instant local_time_until_{};
    base::TokenBucket foreign_log_, error_log_, hold_log_, opener_answers_;
    Instant settled_{};  ///< the last settle(): the time of what a SendBatch reports
};

}  // namespace session
