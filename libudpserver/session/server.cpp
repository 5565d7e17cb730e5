#include "libudpserver/session/server.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <latch>
#include <utility>

#include "base/local_addresses.hpp"

namespace session {

Server::Server(boost::asio::io_context& io, const Parts& parts)
    : io_(io),
      config_(parts.config),
      listeners_(parts.listeners),
      arena_(parts.arena),
      source_(parts.source),
      groups_(parts.pool.groups()),
      statistics_(config_, arena_, listeners_),
      name_updates_(*this, config_),
      pool_ports_(groups_) {
    arena_.map();
    if (parts.older_arenas != nullptr)
        leftovers_ =
            take_over(arena_, *parts.older_arenas, {listeners_.steering(), config_.udpserver.workers});
    if (!arena_.complete()) quarantine_sockets(arena_, parts.used_sockets);
    std::span<steer_port> ports;
    if (parts.shared != nullptr)
        ports = net::map_ports(parts.shared->sockets().ports, parts.shared->plan().size());
    const Instant now = base::MonotonicClock::now();
    for (unsigned worker = 0; worker < config_.udpserver.workers; ++worker) {
        if (parts.shared != nullptr)
            shared_ports_.push_back(std::make_unique<net::SharedPorts>(parts.shared->plan(), ports,
                                                                       parts.shared->sockets(), worker));
        proxies_.push_back(parts.make_proxy(config_));
        const EngineSetup setup{
            .config = config_,
            .listeners = listeners_,
            .pool = parts.pool,
            .arena = arena_,
            .worker = worker,
            .proxy = *proxies_.back(),
            .start = now,
            .shared = parts.shared != nullptr ? shared_ports_.back().get() : nullptr,
            .request_sockets = [this, worker](std::size_t group) { request_from_main(group, worker); },
            .look_up = look_up(parts.look_up, worker),
            .history = parts.history};
        workers_.push_back(std::make_unique<Worker>(setup, listeners_, pool_ports_, others()));
    }
    add_sources(parts);
}

Worker::Others Server::others() {
    return {.hand_over = [this](unsigned other, Worker::Handed& handed) { return hand_over(other, handed); },
            .hand_over_reply =
                [this](unsigned other, SocketIndex source, Worker::Handed& handed) {
                    return other < workers_.size() && workers_[other]->take_reply(source, handed);
                },
            .report =
                [this](unsigned other, SocketIndex source, const net::IcmpReport& report) {
                    return other < workers_.size() && workers_[other]->take_report(source, report);
                }};
}

void Server::add_sources(const Parts& parts) {
    const auto shared = static_cast<std::uint32_t>(parts.shared != nullptr ? parts.shared->plan().size() : 0);
    for (std::uint32_t place = 0; place < shared; ++place) {
        const SocketIndex index{place};
        if (!parts.shared->is_usable(index)) continue;
        SessionEngine& engine = workers_[worker_for(index, place)]->sessions();
        engine.add_socket(index, parts.shared->plan().range_of(index)->group);
    }
    const std::vector<net::SocketPool::Socket>& inherited = parts.pool.sockets();
    for (std::size_t place = 0; place < inherited.size(); ++place) {
        const net::SocketPool::Socket& socket = inherited[place];
        const SocketIndex index{static_cast<std::uint32_t>(place)};
        workers_[worker_for(index, socket.worker)]->add_socket(index, socket.fd.get(), socket.group);
    }
}

/// A leased socket belongs to the worker of its session, an idle one to the worker that the parent chose.
unsigned Server::worker_for(SocketIndex socket, unsigned idle) const {
    const auto workers = static_cast<unsigned>(workers_.size());
    const std::span<PoolEntry> pool = arena_.pool();
    const std::span<Record> records = arena_.records();
    const std::size_t place = index_of(socket);
    if (place >= pool.size() || pool[place].state != PoolEntry::State::leased) return idle % workers;
    const Slot session = pool[place].session;
    const bool serves = session < records.size() && records[session].socket == socket;
    return (serves ? records[session].worker : idle) % workers;
}

Server::~Server() {
    handle_.expire();
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

Adoption Server::start(bool fresh, base::UniqueFd network) {
    // What made two REGs crash may have changed the counts too.
    if (fresh) std::ranges::fill(arena_.all_totals(), Totals{});
    const Adoption all = adopt_all(fresh);
    for (const std::unique_ptr<Worker>& worker : workers_)
        worker->read_receivers();
    for (const std::unique_ptr<Worker>& worker : workers_)
        worker->receivers_are_read();
    // There are all the sources that there will ever be.
    for (std::size_t group = 0; group < (shared_ports_.empty() ? 0 : groups_.size()); ++group)
        for (const std::unique_ptr<Worker>& worker : workers_)
            worker->sessions().sockets_came(group, false, base::MonotonicClock::now());
    for (const std::unique_ptr<Worker>& worker : workers_)
        worker->read_leftovers();
    listeners_.close_leftovers();
    review_sources();
    for (const std::unique_ptr<Worker>& worker : workers_)
        worker->start();
    network_.emplace(io_, std::move(network), [this] { review_sources(); });
    state_ = State::running;
    return all;
}

/// Adopted sessions too may have lost their source, since the machine's addresses change without a REG.
void Server::review_sources() {
    const auto addresses = base::local_addresses();
    if (!addresses) return;
    for_all_workers(
        [local = *addresses](unsigned, SessionEngine& engine) {
            engine.addresses_changed(local, base::MonotonicClock::now());
        },
        {});
}

void Server::report_left() {
    adopt_all(true);
}

void Server::request_from_main(std::size_t group, unsigned worker) {
    if (!shared_ports_.empty()) return;
    boost::asio::post(io_,
                      [this, group, worker] { source_.request(group, worker, net::SocketPool::chunk_size); });
}

void Server::add_sockets(std::size_t group, unsigned worker, SocketIndex first,
                         std::vector<base::UniqueFd> sockets, int error) {
    if (worker >= workers_.size() || group >= groups_.size()) return;
    std::vector<int> fds;
    for (base::UniqueFd& socket : sockets) {
        fds.push_back(socket.get());
        sockets_.push_back(std::move(socket));
    }
    Worker& owner = *workers_[worker];
    owner.post([&owner, group, first, error, fds = std::move(fds)](SessionEngine& engine) {
        auto place = static_cast<std::uint32_t>(first);
        for (const int fd : fds)
            owner.add_socket(SocketIndex{place++}, fd, group);
        engine.sockets_came(group, error == 0, base::MonotonicClock::now());
    });
}

bool Server::hand_over(unsigned worker, Worker::Handed& handed) {
    return worker < workers_.size() && workers_[worker]->take(handed);
}

LookUp Server::look_up(const LookupSource& source, unsigned worker) const {
    if (!source) return {};
    return [source, handle = handle_, worker](base::Lookup lookup, LookupDone done) {
        source(std::move(lookup), [handle, worker, done = std::move(done)](const base::LookupAnswer& answer) {
            const auto server = handle.lock();
            if (!server) return;
            const auto task = [done, answer](SessionEngine& engine) {
                done(engine, answer, base::MonotonicClock::now());
            };
            server->in_worker(worker, task, {});
        });
    };
}

void Server::in_worker(unsigned worker, std::function<void(SessionEngine&)> task,
                       std::function<void()> then) {
    if (worker >= workers_.size()) return;
    workers_[worker]->post(
        [&io = io_, handle = handle_, task = std::move(task), then = std::move(then)](SessionEngine& engine) {
            task(engine);
            if (!then) return;
            boost::asio::post(io, [handle, then] {
                if (handle.lock()) then();  // unlocked again: only this thread destroys the Server
            });
        });
}

void Server::for_all_workers(std::function<void(unsigned worker, SessionEngine&)> task,
                             std::function<void()> then) {
    if (state_ == State::stopped) return;
    if (state_ == State::prepared) {
        for (unsigned worker = 0; worker < workers(); ++worker)
            task(worker, workers_[worker]->sessions());
        if (then) then();
        return;
    }
    const auto done = [running = std::make_shared<unsigned>(workers()), then = std::move(then)] {
        if (--*running == 0 && then) then();
    };
    for (unsigned worker = 0; worker < workers(); ++worker)
        in_worker(
            worker, [task, worker](SessionEngine& engine) { task(worker, engine); }, done);
}

void Server::drain() {
    for_all_workers([](unsigned, SessionEngine& engine) { engine.drain(); }, {});
}

void Server::close_all(CloseReason reason) {
    stop_reading();
    for_all_workers(
        [reason](unsigned, SessionEngine& engine) { engine.close_all(reason, base::MonotonicClock::now()); },
        {});
    leave();
}

/// A barrier before workers close sessions or stop: one that still reads would open sessions again, or hand
/// datagrams over to one that has stopped.
void Server::stop_reading() {
    if (state_ != State::running) return;
    std::latch reading(static_cast<std::ptrdiff_t>(workers_.size()));
    for (const std::unique_ptr<Worker>& worker : workers_)
        worker->stop_reading([&reading] { reading.count_down(); });
    reading.wait();
}

void Server::leave() {
    network_.reset();
    stop_reading();
    for_all_workers([](unsigned, SessionEngine& engine) { engine.leave(base::MonotonicClock::now()); }, {});
    for (const std::unique_ptr<Worker>& worker : workers_)
        worker->stop();  // completes the tasks that are posted already
    state_ = State::stopped;
}

}  // namespace session
