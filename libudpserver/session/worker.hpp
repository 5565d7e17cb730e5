#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <thread>
#include <vector>

#include "libudpserver/net/receive_batch.hpp"
#include "libudpserver/session/data_poller.hpp"
#include "libudpserver/session/session_engine.hpp"

namespace session {

/// One thread that forwards: its loop, sockets, slice of the arena and timers are its own, so a datagram
/// meets no lock (DESIGN §2.5, J-5). Everything but the constructor, start(), stop(), stop_reading(),
/// post(), read_leftovers() and take() runs in the thread.
class Worker {
public:
    /// A datagram of a client that belongs to another worker, on its way there.
    struct Handed {
        std::size_t listener;
        std::vector<std::byte> payload;
        base::Endpoint from, local;
        std::uint8_t tos;
    };
    /// Gives it to a worker by its take().
    using HandOver = std::function<bool(unsigned worker, Handed&)>;

    Worker(const EngineSetup& setup, net::ListenerSet& listeners, HandOver hand_over);
    ~Worker();

    /// Before start(): adds the inherited sockets and takes the sessions over.
    SessionEngine& sessions() { return sessions_; }

    /// Before start(), and before that of any other worker: reads what waits in the sockets of workers that
    /// there are not any more.
    void read_leftovers();

    void start();
    /// From any thread: the datagram is this worker's soon. False when too many wait already; it is dropped
    /// then.
    bool take(Handed& handed);
    /// Runs `task` in the worker's thread, soon.
    void post(std::function<void(SessionEngine&)> task);
    /// Soon no more is read; `done` is called then, in the worker's thread. What others handed over is still
    /// forwarded.
    void stop_reading(std::function<void()> done);
    /// Ends the loop when everything that was posted before is done, and joins the thread. The sessions stay
    /// as they are.
    void stop();

private:
    static EngineSetup with_poller(EngineSetup setup, DataPoller& poller);

    void run();
    void wait_for_datagrams();
    void turn();
    void read_listener(std::size_t listener);
    std::size_t read(std::size_t listener, const net::Listener& socket);
    void on_client(std::size_t listener, net::Datagram& datagram);
    void read_pool_socket(Slot place);
    void end_turn();
    void schedule_tick();

    unsigned worker_;
    net::ListenerSet& listeners_;
    HandOver hand_over_;
    std::atomic<std::size_t> handed_bytes_{0};  ///< of datagrams that other workers gave, and that wait
    Totals& totals_;
    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    DataPoller poller_;
    boost::asio::posix::stream_descriptor watch_;
    bool reading_ = true;
    boost::asio::steady_timer timer_;
    Instant armed_{};  ///< when timer_ fires; zero: not armed
    net::ReceiveBatch batch_;
    SessionEngine sessions_;
    Instant now_{};
    std::thread thread_;
};

}  // namespace session
