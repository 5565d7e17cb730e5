#include "proxyd/status_file.hpp"

#include <utility>
#include <vector>

namespace proxyd {

namespace {

constexpr std::size_t sessions_per_turn = 256;

}  // namespace

struct StatusFile::Piece {
    std::vector<session::Found> found;
    session::Slot next = session::none;
};

StatusFile::StatusFile(boost::asio::io_context& io, session::Server& server, const conf::Config& config,
                       StatusTarget& target)
    : timer_(io), server_(server), settings_(config.status_file), text_(config), target_(target) {}

void StatusFile::start() {
    started_ = !settings_.path.empty();
    write();
}

void StatusFile::wait() {
    timer_.expires_after(settings_.every);
    timer_.async_wait([this](boost::system::error_code error) {
        if (!error) write();
    });
}

void StatusFile::write() {
    if (!started_) return;
    wait();
    if (busy_) return;  // the last one is not complete
    busy_ = true;
    sessions_ = 0;
    target_.begin(then(
        [this] { target_.put(text_.head(std::chrono::system_clock::now()), then([this] { next(0, 0); })); }));
}

/// A failure ends this file.
StatusTarget::Then StatusFile::then(std::function<void()> work) {
    return [this, work = std::move(work)](bool good) { good ? work() : static_cast<void>(busy_ = false); };
}

void StatusFile::next(unsigned worker, session::Slot from) {
    if (worker >= server_.workers()) return finish();
    auto piece = std::make_shared<Piece>();
    server_.in_worker(
        worker,
        [piece, from](session::SessionEngine& sessions) {
            piece->next =
                sessions.select({}, from, sessions_per_turn, base::MonotonicClock::now(), piece->found);
        },
        [this, piece, worker] {
            target_.put(lines_of(*piece), then([this, worker, from = piece->next] {
                            from == session::none ? next(worker + 1, 0) : next(worker, from);
                        }));
        });
}

std::string StatusFile::lines_of(const Piece& piece) {
    const base::Instant now = base::MonotonicClock::now();
    const WallTime wall = std::chrono::system_clock::now();
    std::string lines;
    for (const session::Found& found : piece.found)
        lines += text_.session(found, now, wall);
    sessions_ += piece.found.size();
    return lines;
}

void StatusFile::finish() {
    target_.put(text_.end(sessions_), then([this] { target_.finish(then([this] { busy_ = false; })); }));
}

}  // namespace proxyd
