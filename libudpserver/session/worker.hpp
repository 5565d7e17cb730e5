#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <thread>

#include "libudpserver/net/receive_batch.hpp"
#include "libudpserver/session/data_poller.hpp"
#include "libudpserver/session/sessions.hpp"

namespace session {

/// One thread that forwards: its loop, sockets, slice of the arena and timers are its own, so a datagram
/// meets no lock (DESIGN §2.5, J-5). Everything but the constructor and start()/stop()/post() runs in the
/// thread.
class Worker {
public:
    Worker(const SessionsSetup& setup, net::ListenerSet& listeners);
    ~Worker();

    /// Before start(): adds the inherited sockets and takes the sessions over.
    Sessions& sessions() { return sessions_; }

    void start();
    /// Runs `task` in the worker's thread, soon.
    void post(std::function<void(Sessions&)> task);
    /// Ends the loop and joins the thread. The sessions stay as they are.
    void stop();

private:
    static SessionsSetup with_poller(SessionsSetup setup, DataPoller& poller);

    void run();
    void wait_for_datagrams();
    void turn();
    void read_listener(std::size_t listener);
    void read_pool_socket(Slot place);
    void end_turn();
    void schedule_tick();

    unsigned worker_;
    net::ListenerSet& listeners_;
    Totals& totals_;
    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    DataPoller poller_;
    boost::asio::posix::stream_descriptor watch_;
    boost::asio::steady_timer timer_;
    Instant armed_{};  ///< when timer_ fires; zero: not armed
    net::ReceiveBatch batch_;
    Sessions sessions_;
    Instant now_{};
    std::thread thread_;
};

}  // namespace session
