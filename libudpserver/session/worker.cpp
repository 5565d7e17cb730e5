#include "libudpserver/session/worker.hpp"

#include <boost/asio/post.hpp>

#include "base/log.hpp"
#include "base/signals.hpp"
#include "libudpserver/net/udp_socket.hpp"

namespace session {

namespace {

constexpr std::size_t batch_slots = 64;
/// Datagrams that are read from a socket before the next socket's turn (L-22).
constexpr std::size_t listener_budget = 32;
constexpr std::size_t server_budget = 8;
/// Bytes of datagrams handed over by other workers that may wait: normally only a change of the number of
/// workers makes any.
constexpr std::size_t max_handed_bytes = 8u << 20;
constexpr std::size_t handed_overhead = 256;
/// More than the buffer of a socket holds; nothing new comes to it.
constexpr std::size_t max_leftover_turns = 4096;

/// Tags in the poller: listeners have this bit, pool sockets are their index.
constexpr std::uint64_t listener_bit = std::uint64_t{1} << 63;
/// Those of the shared server side: the descriptor of a receiver, the family of an ICMP socket.
constexpr std::uint64_t receiver_bit = std::uint64_t{1} << 62;
constexpr std::uint64_t icmp_bit = std::uint64_t{1} << 61;

/// A receiver has the datagrams of all sessions; the rest waits for the next turn.
constexpr std::size_t receiver_rounds = 8;
constexpr std::size_t icmp_budget = 32;
/// An ICMP message quotes the beginning of a datagram.
constexpr std::size_t icmp_size = 576;

}  // namespace

EngineSetup Worker::with_side(EngineSetup setup, net::ServerSide& own) {
    setup.side = setup.shared != nullptr ? setup.shared : &own;
    return setup;
}

Worker::Worker(const EngineSetup& setup, net::ListenerSet& listeners, net::PoolPorts& ports, Others others)
    : worker_(setup.worker),
      listeners_(listeners),
      groups_(setup.pool.groups()),
      others_(std::move(others)),
      totals_(setup.arena.totals(setup.worker)),
      io_(1),
      work_(boost::asio::make_work_guard(io_)),
      watch_(io_, poller_.descriptor()),
      timer_(io_),
      batch_(batch_slots),
      max_queue_age_(setup.config.udpserver.max_queue_age),
      backlogs_(listeners.size(), Backlog{QueueAge(max_queue_age_), {}}),
      own_sockets_(setup.pool.filter(), ports),
      shared_(setup.shared),
      engine_(with_side(setup, own_sockets_)) {
    for (std::size_t i = 0; i < listeners_.size(); ++i) {
        const int listener = listeners_.at(i, worker_).descriptor();
        if (max_queue_age_ > Duration{0}) net::age_of_last_read(listener);
        poller_.add(listener, i | listener_bit);
    }
    if (shared_ != nullptr) watch_shared();
}

void Worker::watch_shared() {
    for (const int receiver : {shared_->receivers().v4, shared_->receivers().v6}) {
        if (receiver < 0) continue;
        poller_.add(receiver, static_cast<std::uint64_t>(receiver) | receiver_bit);
        receiver_drops_[receiver] = net::dropped(receiver);
    }
    if (worker_ != 0) return;
    const net::SharedSockets& sockets = shared_->sockets();
    poller_.add(sockets.icmp_v4, static_cast<std::uint64_t>(base::Family::v4) | icmp_bit);
    if (sockets.icmp_v6 >= 0)
        poller_.add(sockets.icmp_v6, static_cast<std::uint64_t>(base::Family::v6) | icmp_bit);
}

void Worker::add_socket(SocketIndex index, int fd, std::size_t group) {
    own_sockets_.add(index, fd, groups_[group].source);
    if (engine_.add_socket(index, group)) poller_.add(fd, index_of(index));
}

void Worker::on_client(std::size_t listener, net::Datagram& datagram, CloseReason refusal) {
    if (datagram.from.family == base::Family::none || datagram.from.port == 0)
        return totals_.bad_source.add();
    if (datagram.truncated) return totals_.truncated.add();
    if (refusal != CloseReason::none) return engine_.refuse(datagram, refusal, now_);
    const auto workers = static_cast<unsigned>(listeners_.workers());
    const unsigned owner = workers == 1 ? worker_ : listeners_.steering().worker_of(datagram.from, workers);
    if (owner == worker_) return engine_.on_client(listener, datagram, now_);
    Handed handed(listener, datagram);
    (others_.hand_over(owner, handed) ? totals_.handed_over : totals_.hand_over_dropped).add();
}

bool Worker::take(Handed& handed) {
    const std::size_t size = handed.payload.size();
    return take(size,
                [handed = std::make_shared<Handed>(std::move(handed))](SessionEngine& engine, Instant now) {
                    net::Datagram datagram = handed->datagram();
                    engine.on_client(handed->listener, datagram, now);
                });
}

bool Worker::take_reply(SocketIndex source, Handed& handed) {
    const std::size_t size = handed.payload.size();
    return take(size, [source, handed = std::make_shared<Handed>(std::move(handed))](SessionEngine& engine,
                                                                                     Instant now) {
        net::Datagram datagram = handed->datagram();
        engine.on_server(source, datagram, now);
    });
}

bool Worker::take_report(SocketIndex source, const net::IcmpReport& report) {
    return take(
        0, [source, report](SessionEngine& engine, Instant now) { engine.on_icmp(source, report, now); });
}

bool Worker::take(std::size_t size, std::function<void(SessionEngine&, Instant)> task) {
    size += handed_overhead;
    if (handed_bytes_.fetch_add(size) + size > max_handed_bytes) {
        handed_bytes_ -= size;
        return false;
    }
    post([this, size, task = std::move(task)](SessionEngine& engine) {
        handed_bytes_ -= size;
        task(engine, now_);
    });
    return true;
}

Worker::~Worker() {
    stop();
    watch_.release();  // the descriptor is poller_'s
}

void Worker::read_leftovers() {
    now_ = base::MonotonicClock::now();
    const std::size_t workers = listeners_.workers();
    for (std::size_t place = workers + worker_; place < workers + listeners_.leftovers(); place += workers) {
        for (std::size_t i = 0; i < listeners_.size(); ++i) {
            const net::Listener* const socket = listeners_.leftover(i, place);
            if (socket == nullptr) continue;
            Backlog backlog{QueueAge(max_queue_age_), {}};
            for (std::size_t turn = 0; turn < max_leftover_turns && read(i, *socket, backlog) > 0; ++turn)
                end_turn();
        }
    }
}

void Worker::start() {
    const base::BlockSignals blocked;  // the thread inherits the mask: the main thread handles signals (J-19)
    thread_ = std::thread([this] { run(); });
}

void Worker::run() {
    wait_for_datagrams();
    schedule_tick();
    io_.run();
}

void Worker::post(std::function<void(SessionEngine&)> task) {
    boost::asio::post(io_, [this, task = std::move(task)] {
        now_ = base::MonotonicClock::now();
        task(engine_);
        end_turn();
    });
}

void Worker::stop_reading(std::function<void()> done) {
    boost::asio::post(io_, [this, done = std::move(done)] {
        reading_ = false;
        watch_.cancel();
        done();
    });
}

void Worker::stop() {
    if (!thread_.joinable()) return;
    boost::asio::post(io_, [this] { io_.stop(); });
    thread_.join();
}

void Worker::wait_for_datagrams() {
    watch_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                      [this](boost::system::error_code error) {
                          if (error || !reading_) return;
                          turn();
                          wait_for_datagrams();
                      });
}

void Worker::turn() {
    now_ = base::MonotonicClock::now();
    const std::span<const epoll_event> events = poller_.ready();
    // First, so that a source that a session leaves serves no other one before its datagrams were read.
    if (shared_ != nullptr) read_shared(events);
    for (const epoll_event& event : events) {
        if ((event.data.u64 & listener_bit) != 0) {
            read_listener(static_cast<std::size_t>(event.data.u64 & ~listener_bit));
        } else if ((event.data.u64 & icmp_bit) != 0) {
            read_icmp(static_cast<base::Family>(event.data.u64 & ~icmp_bit));
        } else if ((event.data.u64 & receiver_bit) == 0) {
            read_pool_socket(SocketIndex{static_cast<std::uint32_t>(event.data.u64)});
        }
    }
    end_turn();
}

void Worker::read_listener(std::size_t listener) {
    if (batch_.room() < listener_budget) end_turn();
    read(listener, listeners_.at(listener, worker_), backlogs_[listener]);
}

std::size_t Worker::read(std::size_t listener, const net::Listener& socket, Backlog& backlog) {
    const net::ReceiveBatch::Result result = socket.read(batch_, listener_budget);
    if (result.error != 0)
        base::log::write(base::msg::send_failed, "listener {}: cannot receive: {}",
                         base::to_string(socket.local()), std::generic_category().message(result.error));
    const bool are_old = are_too_old(socket, result, backlog.age);
    if (result.datagrams.size() == listener_budget) {
        backlog.overload.seen_full(net::receive_buffer_of(socket.descriptor()), now_);
    } else if (result.error == 0) {
        backlog.age.seen_empty(now_);
        backlog.overload.seen_empty();
    }
    for (net::Datagram& datagram : result.datagrams) {
        const bool is_heavy = backlog.overload.drops(datagram.from.address(), heavy_sources_, now_);
        on_client(listener, datagram,
                  are_old    ? CloseReason::queue_age
                  : is_heavy ? CloseReason::overload
                             : CloseReason::none);
    }
    return result.datagrams.size();
}

bool Worker::are_too_old(const net::Listener& socket, const net::ReceiveBatch::Result& result,
                         const QueueAge& age) const {
    if (result.datagrams.empty() || !age.may_be_over(now_)) return false;
    // Of the last one, which is the youngest.
    return age.is_over(net::age_of_last_read(socket.descriptor()).value_or(Duration{0}), now_);
}

void Worker::read_pool_socket(SocketIndex socket) {
    if (batch_.room() < server_budget) end_turn();
    const net::ReceiveBatch::Result result =
        batch_.receive(own_sockets_.descriptor(socket), {}, server_budget);
    if (result.error != 0) engine_.on_server_error(socket, result.error, now_);
    for (net::Datagram& datagram : result.datagrams)
        engine_.on_server(socket, datagram, now_);
}

void Worker::read_shared(std::span<const epoll_event> events) {
    shared_->begin_turn(now_);
    // With a full list there may be more that are ready.
    const bool may_be_ready = events.size() == DataPoller::max_events;
    for (const auto& [family, receiver] : {std::pair(base::Family::v4, shared_->receivers().v4),
                                           std::pair(base::Family::v6, shared_->receivers().v6)}) {
        if (receiver < 0) continue;
        const std::uint64_t tag = static_cast<std::uint64_t>(receiver) | receiver_bit;
        const bool is_ready = may_be_ready || std::ranges::any_of(events, [tag](const epoll_event& event) {
                                  return event.data.u64 == tag;
                              });
        if (!is_ready || read_receiver(receiver)) shared_->drained(family);
    }
}

/// True when nothing is left.
bool Worker::read_receiver(int socket) {
    for (std::size_t round = 0; round < receiver_rounds; ++round) {
        if (batch_.room() < batch_slots) end_turn();
        const net::ReceiveBatch::Result result = batch_.receive(socket, {}, batch_slots);
        for (net::Datagram& datagram : result.datagrams)
            on_reply(datagram);
        if (result.datagrams.size() < batch_slots) return true;
        // Only then may it have been full.
        const std::uint32_t dropped = net::dropped(socket);
        const auto known = receiver_drops_.try_emplace(socket, dropped).first;
        totals_.kernel_drops.add(dropped - std::exchange(known->second, dropped));
    }
    return false;
}

/// Only a change of the number of workers makes it another worker's.
void Worker::on_reply(net::Datagram& datagram) {
    const SocketIndex source = shared_->plan().source_at(datagram.local);
    const unsigned owner = source == no_socket ? worker_ : shared_->worker_of(source);
    if (owner == worker_ || owner >= listeners_.workers()) return engine_.on_server(source, datagram, now_);
    Handed handed(0, datagram);
    (others_.hand_over_reply(owner, source, handed) ? totals_.handed_over : totals_.hand_over_dropped).add();
}

void Worker::read_receivers() {
    if (shared_ == nullptr) return;
    now_ = base::MonotonicClock::now();
    const std::vector<net::SharedSockets::Receivers>& all = shared_->sockets().receivers;
    for (std::size_t place = worker_; place < all.size(); place += listeners_.workers())
        for (const int receiver : {all[place].v4, all[place].v6})
            for (std::size_t turn = 0; receiver >= 0 && turn < max_leftover_turns && !read_receiver(receiver);
                 ++turn)
                end_turn();
    end_turn();
}

void Worker::receivers_are_read() {
    if (shared_ == nullptr) return;
    shared_->drained(base::Family::v4);
    shared_->drained(base::Family::v6);
}

void Worker::read_icmp(base::Family family) {
    const net::SharedSockets& sockets = shared_->sockets();
    const int socket = family == base::Family::v4 ? sockets.icmp_v4 : sockets.icmp_v6;
    std::array<std::byte, icmp_size> message;
    for (std::size_t i = 0; i < icmp_budget; ++i) {
        const ssize_t size = ::recv(socket, message.data(), message.size(), MSG_DONTWAIT);
        if (size < 0) return;
        const auto report = net::read_icmp(family, std::span(message).first(static_cast<std::size_t>(size)));
        const SocketIndex source = report ? shared_->plan().source_at(report->source) : no_socket;
        if (source == no_socket) continue;
        if (!shared_->concerns(source, *report)) {
            shared_->forgive(source, *report);
        } else if (report->error != 0) {
            static_cast<void>(others_.report(shared_->worker_of(source), source, *report));
        }
    }
}

void Worker::end_turn() {
    engine_.settle(now_);
    batch_.clear();
    schedule_tick();
}

void Worker::schedule_tick() {
    // An idle worker sleeps until its next deadline (O-2, J-23); a timer that fires too early is armed again.
    const std::optional<Instant> next = engine_.next_tick();
    if (!next || (armed_ != Instant{} && armed_ <= *next)) return;
    armed_ = *next;
    const Duration wait = std::max(Duration{1}, *next - base::MonotonicClock::now());
    timer_.expires_after(wait);
    timer_.async_wait([this](boost::system::error_code error) {
        if (error) return;
        armed_ = Instant{};
        now_ = base::MonotonicClock::now();
        engine_.tick(now_);
        end_turn();
    });
}

}  // namespace session
