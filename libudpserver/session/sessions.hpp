#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libudpserver/base/token_bucket.hpp"
#include "libudpserver/net/listener_set.hpp"
#include "libudpserver/net/send_batch.hpp"
#include "libudpserver/net/socket_pool.hpp"
#include "libudpserver/session/admission.hpp"
#include "libudpserver/session/arena.hpp"
#include "libudpserver/session/proxy.hpp"
#include "libudpserver/session/refusal_log.hpp"
#include "libudpserver/session/session_acl.hpp"
#include "libudpserver/session/session_limits.hpp"
#include "libudpserver/session/session_table.hpp"
#include "libudpserver/session/socket_leases.hpp"
#include "libudpserver/session/timer_wheel.hpp"
#include "libudpserver/session/unanswered_queue.hpp"

namespace session {

/// What became of the records that a new REG found.
struct Adoption {
    std::uint32_t adopted = 0, aborted = 0;
};

/// What a rule did, or no rule, since this REG began.
struct RuleCount {
    std::uint64_t begun = 0;    ///< sessions
    std::uint64_t refused = 0;  ///< first datagrams, for whatever reason
};

/// What a worker's engine is made of and works on; all of it outlives the engine.
struct SessionsSetup {
    const conf::Config& config;
    net::ListenerSet& listeners;
    const net::SocketPool& pool;  ///< as inherited
    Arena& arena;
    unsigned worker;
    Proxy& proxy;
    Instant start;
    std::function<void(int fd, Slot place)> add_to_poller;
    /// Asks the parent for more sockets of a group; the answer comes as add_socket() and sockets_came().
    std::function<void(std::size_t group)> request_sockets;
};

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

    /// Expires sessions, a bounded number a call (O-37), and writes the refusals of the last second.
    void tick(Instant now);
    /// When tick() has something to do next.
    [[nodiscard]] std::optional<Instant> next_tick() const;

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
    /// Closes and reports every session.
    void close_all(CloseReason reason, Instant now);

    [[nodiscard]] std::size_t open_sessions() const { return slice_.size() - free_.size(); }
    [[nodiscard]] const SocketLeases& leases() const { return leases_; }
    [[nodiscard]] std::vector<SocketUse> socket_use(Instant now) { return leases_.use(now); }
    /// By rule; the last one counts for datagrams that no rule decided about.
    [[nodiscard]] const std::vector<RuleCount>& rule_counts() const { return rule_counts_; }

private:
    friend class SessionContext;

    /// The tag of a datagram in the SendBatch that belongs to no session. Any other is the slot, and says
    /// which side the datagram goes to.
    static constexpr std::uint64_t no_session = ~std::uint64_t{0};
    /// Statistics records that may be written between two waits for the log's queue.
    static constexpr std::size_t records_at_once = 1024;

    /// What the engine keeps of a session outside the record, because it need not survive.
    struct Volatile {
        std::unique_ptr<SessionHandler> handler;
        IdleWindow idle_window;
    };

    /// How a group of sockets is supplied with more. Each has its own pause: a rule that used up its few
    /// source ports must not stop the others.
    struct Supply {
        Instant not_before{};    ///< the next request: one is on its way, or was answered with too few
        Instant refuse_until{};  ///< no session of this group begins: there was no socket (L-26)
        Duration pause{0};
    };

    // Opening (session_opening.cpp)
    Slot open(std::size_t listener, const net::Datagram& datagram, Instant now);
    /// Why the datagram may not open a session, `none` if it may; `rule` is the one that decided, if it came
    /// so far.
    CloseReason judge(std::size_t listener, const net::Datagram& datagram, std::optional<std::size_t>& rule,
                      Instant now);
    /// Asks the proxy; sends its answer if it has one. False: no session begins.
    bool proxy_accepts(std::size_t listener, const net::Datagram& datagram, Instant now);
    void answer_opener(std::size_t listener, const net::Datagram& datagram, std::span<const std::byte> answer,
                       Instant now);
    bool socket_free(std::size_t group, Instant now);
    CloseReason make_room(const conf::Rule& rule, Instant now);
    std::optional<std::size_t> ask_policy(const net::Datagram& datagram, Instant now);
    /// Builds the session; leaves nothing behind when that fails.
    CloseReason start(Slot slot, std::size_t listener, const net::Datagram& datagram, std::size_t rule,
                      Instant now);
    void fill(Record& record, std::size_t listener, const net::Datagram& datagram, std::size_t rule,
              Instant now);
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

    // Forwarding (sessions.cpp)
    Slot running(std::size_t listener, const net::Datagram& datagram, bool& refused, Instant now);
    void forward_to_server(Slot slot, net::Datagram& datagram, Instant now);
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
    bool adopt_record(Slot slot, Instant now);
    [[nodiscard]] bool plausible(const Record& record) const;
    void abort_record(Slot slot, Instant now, const char* why);

    [[nodiscard]] Record& record(Slot slot) { return arena_.records()[slot]; }
    [[nodiscard]] const conf::Rule& rule_of(const Record& record) const { return acl_.rule(record.rule); }
    [[nodiscard]] Volatile& volatile_of(Slot slot) { return volatile_[slot - first_]; }
    [[nodiscard]] bool uses_own_worker(Slot slot) const {
        return slot >= first_ && slot - first_ < slice_.size();
    }
    [[nodiscard]] std::size_t group_index(const conf::Rule& rule, base::Family family) const;
    [[nodiscard]] const Endpoint& server_for(const conf::Rule& rule, const Endpoint& client) const;
    [[nodiscard]] bool unanswered_full() const;

    const conf::Config& config_;
    net::ListenerSet& listeners_;
    const std::vector<net::PoolGroup>& groups_;
    Arena& arena_;
    unsigned worker_;
    Proxy& proxy_;
    std::function<void(std::size_t)> request_sockets_;

    Slot first_;  ///< this worker's slice of the arena
    std::span<Record> slice_;
    Totals& totals_;
    SessionAcl acl_;
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
    std::size_t unanswered_most_;

    std::vector<Supply> supplies_;  ///< by group
    std::vector<RuleCount> rule_counts_;
    Instant refusals_due_{};
    std::array<Instant, static_cast<std::size_t>(CloseReason::count_)> warned_{};
    base::LocalTime local_time_;
    Instant local_time_until_{};
    base::TokenBucket foreign_log_, error_log_, opener_answers_;
    Instant settled_{};        ///< the last settle(): the time of what a SendBatch reports
    bool connecting_ = false;  ///< Proxy::open runs: set_server is allowed
};

}  // namespace session
