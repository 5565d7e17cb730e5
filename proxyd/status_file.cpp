#include "proxyd/status_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "base/log.hpp"

namespace proxyd {

namespace {

constexpr std::size_t sessions_per_turn = 256;

}  // namespace

struct StatusFile::Piece {
    std::vector<session::Found> found;
    session::Slot next = session::none;
};

StatusFile::StatusFile(boost::asio::io_context& io, session::Server& server, const conf::Config& config)
    : timer_(io),
      server_(server),
      settings_(config.status_file),
      text_(config),
      temp_path_(settings_.path + ".new") {}

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
    if (file_) return;  // the last one is not complete
    // A file left behind by a crash is removed; a link is not followed.
    ::unlink(temp_path_.c_str());
    file_.reset(::open(temp_path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640));
    if (!file_) return fail("cannot be created");
    sessions_ = 0;
    if (put(text_.head(std::chrono::system_clock::now()))) next(0, 0);
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
            add(*piece);
            if (!file_) return;
            piece->next == session::none ? next(worker + 1, 0) : next(worker, piece->next);
        });
}

void StatusFile::add(const Piece& piece) {
    const base::Instant now = base::MonotonicClock::now();
    const WallTime wall = std::chrono::system_clock::now();
    std::string lines;
    for (const session::Found& found : piece.found)
        lines += text_.session(found, now, wall);
    sessions_ += piece.found.size();
    put(lines);
}

void StatusFile::finish() {
    if (!put(text_.end(sessions_))) return;
    file_.reset();
    if (::rename(temp_path_.c_str(), settings_.path.c_str()) != 0) fail("cannot be replaced");
}

bool StatusFile::put(const std::string& text) {
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t written = ::write(file_.get(), text.data() + done, text.size() - done);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) {
            fail("cannot be written");
            return false;
        }
        done += static_cast<std::size_t>(written);
    }
    return true;
}

void StatusFile::fail(const char* what) {
    base::log::write(base::msg::status_file_failed, "status file {} {}: {}", settings_.path, what,
                     std::strerror(errno));
    file_.reset();
    ::unlink(temp_path_.c_str());
}

void StatusFile::discard() {
    if (!file_) return;
    file_.reset();
    ::unlink(temp_path_.c_str());
}

}  // namespace proxyd
