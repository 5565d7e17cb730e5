#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <thread>
#include <unordered_map>
#include <vector>

#include "libudpserver/net/icmp_report.hpp"
#include "libudpserver/net/own_sockets.hpp"
#include "libudpserver/net/receive_batch.hpp"
#include "libudpserver/session/data_poller.hpp"
#include "libudpserver/session/overload.hpp"
#include "libudpserver/session/queue_age.hpp"
#include "libudpserver/session/session_engine.hpp"

namespace session {

/// A thread that forwards datagrams. It has its own loop, sockets, slice of the arena and timers, so the
/// datagram path takes no lock (doc/design.md, Workers; J-5). Everything but the constructor, start(),
/// stop(), stop_reading(), post(), read_leftovers() and take() runs in the thread.
class Worker {
public:
    /// A datagram on its way to the worker that it belongs to.
    struct Handed {
        std::size_t listener;
        std::vector<std::byte> payload;
        base::Endpoint from, local;
        std::uint8_t tos;
        bool is_broadcast;

        Handed(std::size_t listener_index, const net::Datagram& datagram)
            : listener(listener_index),
              payload(datagram.payload.begin(), datagram.payload.end()),
              from(datagram.from),
              local(datagram.local),
              tos(datagram.tos),
              is_broadcast(datagram.is_broadcast) {}
        /// Valid as long as this.
        [[nodiscard]] net::Datagram datagram() {
            return {
                .payload = payload, .from = from, .local = local, .tos = tos, .is_broadcast = is_broadcast};
        }
    };
    /// What a worker has for others.
    struct Others {
        /// Gives a datagram to another worker's take().
        std::function<bool(unsigned worker, Handed&)> hand_over;
        /// The same of a server's, to take_reply().
        std::function<bool(unsigned worker, SocketIndex, Handed&)> hand_over_reply;
        /// Gives an ICMP report to another worker's take_report().
        std::function<bool(unsigned worker, SocketIndex, const net::IcmpReport&)> report;
    };

    /// Without a shared server side in `setup` the worker has one of sockets, which are added one by one.
    /// `ports`: of all workers.
    Worker(const EngineSetup& setup, net::ListenerSet& listeners, net::PoolPorts& ports, Others others);
    ~Worker();

    /// Before start(): to adopt the sessions.
    SessionEngine& sessions() { return engine_; }
    /// Adds a pool socket; the caller keeps the descriptor.
    void add_socket(SocketIndex index, int fd, std::size_t group);

    /// Before start(), and before that of any other worker: reads what servers have sent, also to workers
    /// that no longer exist, so that sources can open.
    void read_receivers();
    /// After that of all workers.
    void receivers_are_read();
    /// The same of what clients have sent to workers that no longer exist.
    void read_leftovers();

    void start();
    /// From any thread: this worker will handle the datagram. False, and it is dropped, when too many wait.
    bool take(Handed& handed);
    /// The same of a datagram that came for this source, of this worker.
    bool take_reply(SocketIndex source, Handed& handed);
    /// The same of an ICMP report about a datagram of the source.
    bool take_report(SocketIndex source, const net::IcmpReport& report);
    /// Runs `task` in the worker's thread.
    void post(std::function<void(SessionEngine&)> task);
    /// Stops reading, then calls `done` in the worker's thread. Datagrams that other workers handed over are
    /// still forwarded.
    void stop_reading(std::function<void()> done);
    /// Stops the loop after everything that was posted before, and joins the thread. The sessions stay open.
    void stop();

private:
    static EngineSetup with_side(EngineSetup setup, net::ServerSide& own);

    void run();
    void wait_for_datagrams();
    void turn();
    void read_listener(std::size_t listener);
    /// What is known of the datagrams that wait at a listener.
    struct Backlog {
        QueueAge age;
        Overload overload;
    };
    std::size_t read(std::size_t listener, const net::Listener& socket, Backlog& backlog);
    [[nodiscard]] bool are_too_old(const net::Listener& socket, const net::ReceiveBatch::Result& result,
                                   const QueueAge& age) const;
    void on_client(std::size_t listener, net::Datagram& datagram, CloseReason refusal);
    void read_pool_socket(SocketIndex socket);
    void watch_shared();
    void read_shared(std::span<const epoll_event> events);
    [[nodiscard]] bool read_receiver(int socket);
    void on_reply(net::Datagram& datagram);
    bool take(std::size_t size, std::function<void(SessionEngine&, Instant)> task);
    void read_icmp(base::Family family);
    void end_turn();
    void schedule_tick();

    unsigned worker_;
    net::ListenerSet& listeners_;
    const std::vector<net::PoolGroup>& groups_;
    Others others_;
    std::atomic<std::size_t> handed_bytes_{0};  ///< of handed over datagrams that wait
    Totals& totals_;
    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    DataPoller poller_;
    boost::asio::posix::stream_descriptor watch_;
    bool reading_ = true;
    boost::asio::steady_timer timer_;
    Instant armed_{};  ///< when timer_ fires; zero: not armed
    net::ReceiveBatch batch_;
    Duration max_queue_age_;
    std::vector<Backlog> backlogs_;  ///< by listener
    HeavySources heavy_sources_;
    net::OwnSockets own_sockets_;
    std::unordered_map<int, std::uint32_t> receiver_drops_;  ///< net::dropped() when last asked, by socket
    net::SharedPorts* shared_;                               ///< null: own_sockets_ are used
    SessionEngine engine_;
    Instant now_{};
    std::thread thread_;
};

}  // namespace session
