#include "libudpserver/session/server.hpp"

#include <fmt/format.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <future>
#include <latch>
#include <utility>

#include "base/log.hpp"

namespace session {

Server::Server(boost::asio::io_context& io, const Parts& parts)
    : io_(io),
      config_(parts.config),
      listeners_(parts.listeners),
      arena_(parts.arena),
      source_(parts.source),
      groups_(parts.pool.groups()),
      door_(open_door()),
      names_(config_),
      tellings_(names_.size()) {
    arena_.map();
    if (parts.older_arenas != nullptr)
        leftovers_ =
            take_over(arena_, *parts.older_arenas, {listeners_.steering(), config_.udpserver.workers});
    if (!arena_.complete()) rest_sockets(arena_, parts.used_sockets);
    const Instant now = base::MonotonicClock::now();
    for (unsigned worker = 0; worker < config_.udpserver.workers; ++worker) {
        proxies_.push_back(parts.make_proxy(config_));
        const EngineSetup setup{
            .config = config_,
            .listeners = listeners_,
            .pool = parts.pool,
            .arena = arena_,
            .worker = worker,
            .proxy = *proxies_.back(),
            .start = now,
            .add_to_poller = {},
            .request_sockets = [this, worker](std::size_t group) { request_from_main(group, worker); },
            .look_up = look_up(parts.lookups, door_, worker),
            .history = parts.history};
        workers_.push_back(std::make_unique<Worker>(
            setup, listeners_,
            [this](unsigned other, Worker::Handed& handed) { return hand_over(other, handed); }));
    }
    const std::vector<net::SocketPool::Socket>& inherited = parts.pool.sockets();
    for (std::size_t place = 0; place < inherited.size(); ++place) {
        const net::SocketPool::Socket& socket = inherited[place];
        const auto slot = static_cast<Slot>(place);
        workers_[worker_for(slot, socket.worker)]->sessions().add_socket(slot, socket.fd.get(), socket.group);
    }
}

/// A socket goes with its session; one that serves nobody is where the parent put it.
unsigned Server::worker_for(Slot place, unsigned idle) const {
    const auto workers = static_cast<unsigned>(workers_.size());
    const std::span<PoolEntry> pool = arena_.pool();
    const std::span<Record> records = arena_.records();
    if (place >= pool.size() || pool[place].state != PoolEntry::State::leased) return idle % workers;
    const Slot session = pool[place].session;
    const bool serves = session < records.size() && records[session].socket == place;
    return (serves ? records[session].worker : idle) % workers;
}

Server::~Server() {
    close_door();
    leave();
}

Adoption Server::adopt_all(bool fresh) {
    Adoption all;
    const Instant now = base::MonotonicClock::now();
    for (const auto& [slot, record] : leftovers_)
        workers_[record.worker % workers_.size()]->sessions().end_leftover(record, slot, now);
    all.ended = static_cast<std::uint32_t>(leftovers_.size());
    leftovers_.clear();
    for (const std::unique_ptr<Worker>& worker : workers_) {
        const Adoption one = worker->sessions().adopt(fresh, now);
        all.adopted += one.adopted;
        all.aborted += one.aborted;
        all.ended += one.ended;
    }
    return all;
}

Adoption Server::start(bool fresh) {
    const Adoption all = adopt_all(fresh);
    for (const std::unique_ptr<Worker>& worker : workers_)
        worker->read_leftovers();
    listeners_.close_leftovers();
    for (const std::unique_ptr<Worker>& worker : workers_)
        worker->start();
    started_ = true;
    return all;
}

void Server::report_left() {
    adopt_all(true);
}

void Server::request_from_main(std::size_t group, unsigned worker) {
    boost::asio::post(io_,
                      [this, group, worker] { source_.request(group, worker, net::SocketPool::chunk_size); });
}

void Server::sockets_came(std::size_t group, unsigned worker, Slot first, std::vector<base::UniqueFd> sockets,
                          int error) {
    if (worker >= workers_.size() || group >= groups_.size()) return;
    std::vector<int> fds;
    for (base::UniqueFd& socket : sockets) {
        fds.push_back(socket.get());
        sockets_.push_back(std::move(socket));
    }
    workers_[worker]->post([group, first, error, fds = std::move(fds)](SessionEngine& sessions) {
        Slot place = first;
        for (const int fd : fds)
            sessions.add_socket(place++, fd, group);
        sessions.sockets_came(group, error == 0, base::MonotonicClock::now());
    });
}

bool Server::hand_over(unsigned worker, Worker::Handed& handed) {
    return worker < workers_.size() && workers_[worker]->take(handed);
}

void Server::in_worker(unsigned worker, std::function<void(SessionEngine&)> task,
                       std::function<void()> then) {
    if (worker >= workers_.size()) return;
    workers_[worker]->post([this, task = std::move(task), then = std::move(then)](SessionEngine& sessions) {
        task(sessions);
        boost::asio::post(io_, then);
    });
}

void Server::ping(std::function<void()> alive) {
    auto waiting = std::make_shared<std::atomic<std::size_t>>(workers_.size());
    for (const std::unique_ptr<Worker>& worker : workers_) {
        worker->post([this, waiting, alive](SessionEngine&) {
            if (waiting->fetch_sub(1) == 1) boost::asio::post(io_, alive);
        });
    }
}

void Server::drain() {
    for (const std::unique_ptr<Worker>& worker : workers_)
        worker->post([](SessionEngine& sessions) { sessions.drain(); });
}

void Server::close_all(CloseReason reason) {
    stop_reading();
    std::vector<std::future<void>> done;
    for (const std::unique_ptr<Worker>& worker : workers_) {
        auto closed = std::make_shared<std::promise<void>>();
        done.push_back(closed->get_future());
        worker->post([reason, closed](SessionEngine& sessions) {
            sessions.close_all(reason, base::MonotonicClock::now());
            closed->set_value();
        });
    }
    for (const std::future<void>& closed : done)
        closed.wait();
    leave();
}

/// Comes before all ends: a worker that has closed its sessions would begin others, one that has stopped
/// would be handed datagrams that nobody forwards.
void Server::stop_reading() {
    if (!std::exchange(started_, false)) return;
    std::latch reading(static_cast<std::ptrdiff_t>(workers_.size()));
    for (const std::unique_ptr<Worker>& worker : workers_)
        worker->stop_reading([&reading] { reading.count_down(); });
    reading.wait();
}

void Server::leave() {
    stop_reading();
    for (const std::unique_ptr<Worker>& worker : workers_)
        worker->stop();
}

std::uint64_t Server::sum(Count Totals::*member) const {
    // Also of workers that there were once: the counts are those since the proxy's start.
    std::uint64_t all = 0;
    for (const Totals& totals : arena_.all_totals())
        all += (totals.*member).get();
    return all;
}

std::string Server::housekeeping() {
    const std::uint64_t created = sum(&Totals::created), closed = sum(&Totals::closed),
                        refused = sum(&Totals::refused);
    const std::uint64_t open = sum(&Totals::open), least = sum(&Totals::open_least),
                        most = sum(&Totals::open_most);
    const std::uint64_t starts = arena_.totals(0).starts.get();
    for (std::size_t worker = 0; worker < workers_.size(); ++worker) {
        Totals& totals = arena_.totals(worker);
        totals.open_most.set(totals.open.get());
        totals.open_least.set(totals.open.get());
    }
    auto& last = arena_.totals(0).reported;
    if (created == last.created.get() && closed == last.closed.get() && refused == last.refused.get())
        return {};
    std::string line = fmt::format(
        "sessions: {} open, between {} and {} since the last line, {} created, {} ended, {} refused; {} "
        "starts of REG",
        open, least, most, created - last.created.get(), closed - last.closed.get(),
        refused - last.refused.get(), starts - last.starts.get());
    last.created.set(created);
    last.closed.set(closed);
    last.refused.set(refused);
    last.starts.set(starts);
    return line;
}

}  // namespace session
