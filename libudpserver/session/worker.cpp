#include "libudpserver/session/worker.hpp"

#include <boost/asio/post.hpp>

#include "libudpserver/base/log.hpp"
#include "libudpserver/base/signals.hpp"

namespace session {

namespace {

constexpr std::size_t batch_slots = 64;
constexpr std::size_t listener_budget =
    32;  ///< datagrams a listener may bring before the next socket's turn (L-22)
constexpr std::size_t server_budget = 8;

/// Tags in the poller: listeners have this bit, pool sockets are their place in the arena.
constexpr std::uint64_t listener_bit = std::uint64_t{1} << 63;

}  // namespace

SessionsSetup Worker::with_poller(SessionsSetup setup, DataPoller& poller) {
    setup.add_to_poller = [&poller](int fd, Slot place) { poller.add(fd, place); };
    return setup;
}

Worker::Worker(const SessionsSetup& setup, net::ListenerSet& listeners)
    : worker_(setup.worker),
      listeners_(listeners),
      totals_(setup.arena.totals(setup.worker)),
      io_(1),
      work_(boost::asio::make_work_guard(io_)),
      watch_(io_, poller_.descriptor()),
      timer_(io_),
      batch_(batch_slots),
      sessions_(with_poller(setup, poller_)) {
    for (std::size_t i = 0; i < listeners_.size(); ++i) {
        net::Listener& listener = listeners_.at(i, worker_);
        listener.on_datagram(
            [this, i](net::Listener&, net::Datagram& datagram) { sessions_.on_client(i, datagram, now_); });
        listener.on_error([](net::Listener& failed, int error) {
            base::log::write(base::msg::send_failed, "listener {}: could not receive: {}",
                             base::to_string(failed.local()), std::generic_category().message(error));
        });
        poller_.add(listener.descriptor(), i | listener_bit);
    }
}

Worker::~Worker() {
    stop();
    watch_.release();  // the descriptor is poller_'s
}

void Worker::start() {
    const base::BlockSignals blocked;  // the thread inherits the mask: signals are the main thread's (J-19)
    thread_ = std::thread([this] { run(); });
}

void Worker::run() {
    wait_for_datagrams();
    schedule_tick();
    io_.run();
}

void Worker::post(std::function<void(Sessions&)> task) {
    boost::asio::post(io_, [this, task = std::move(task)] {
        now_ = base::MonotonicClock::now();
        task(sessions_);
        end_turn();
    });
}

void Worker::stop() {
    if (!thread_.joinable()) return;
    io_.stop();
    thread_.join();
}

void Worker::wait_for_datagrams() {
    watch_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                      [this](boost::system::error_code error) {
                          if (error) return;
                          turn();
                          wait_for_datagrams();
                      });
}

void Worker::turn() {
    now_ = base::MonotonicClock::now();
    for (const epoll_event& event : poller_.ready()) {
        if ((event.data.u64 & listener_bit) != 0) {
            read_listener(static_cast<std::size_t>(event.data.u64 & ~listener_bit));
        } else {
            read_pool_socket(static_cast<Slot>(event.data.u64));
        }
    }
    end_turn();
}

void Worker::read_listener(std::size_t listener) {
    if (batch_.room() < listener_budget) end_turn();
    net::Listener& socket = listeners_.at(listener, worker_);
    const net::ListenerCounters before = socket.counters();
    socket.read(batch_, listener_budget);
    totals_.bad_source.add(socket.counters().bad_source - before.bad_source);
    totals_.truncated.add(socket.counters().truncated - before.truncated);
}

void Worker::read_pool_socket(Slot place) {
    if (batch_.room() < server_budget) end_turn();
    const net::ReceiveBatch::Result result = batch_.receive(sessions_.descriptor(place), {}, server_budget);
    if (result.error != 0) sessions_.on_server_error(place, result.error);
    for (net::Datagram& datagram : result.datagrams)
        sessions_.on_server(place, datagram, now_);
}

void Worker::end_turn() {
    sessions_.end_turn(now_);
    batch_.clear();
    schedule_tick();
}

void Worker::schedule_tick() {
    // An idle worker sleeps until its next deadline (O-2, J-23); a timer that fires too early is re-armed
    // then.
    const std::optional<Instant> next = sessions_.next_tick();
    if (!next || (armed_ != Instant{} && armed_ <= *next)) return;
    armed_ = *next;
    const Duration wait = std::max(Duration{1}, *next - base::MonotonicClock::now());
    timer_.expires_after(wait);
    timer_.async_wait([this](boost::system::error_code error) {
        if (error) return;
        armed_ = Instant{};
        now_ = base::MonotonicClock::now();
        sessions_.tick(now_);
        end_turn();
    });
}

}  // namespace session
