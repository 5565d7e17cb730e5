#include "libudpserver/control/log_tail.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>
#include <deque>
#include <span>
#include <utility>

#include "base/text.hpp"
#include "base/unique_fd.hpp"

namespace control {

namespace {

constexpr std::size_t bytes_per_read = 64 * 1024;
/// Longer lines are truncated, so that a file without newlines cannot fill the memory.
constexpr std::size_t max_line = 16 * 1024;

/// A disk that answers later than this is taken for one that hangs.
constexpr base::Duration fetch_limit{5'000};

/// What is in memory; of what is not the kernel begins the reading, and errno is EAGAIN. The parent must not
/// wait for the disk, except where the file system cannot do this.
ssize_t read_cached(int file, std::span<char> buffer, off_t offset) {
    const iovec part{buffer.data(), buffer.size()};
    const ssize_t got = ::preadv2(file, &part, 1, offset, RWF_NOWAIT);
    if (got < 0 && errno == EOPNOTSUPP) return ::pread(file, buffer.data(), buffer.size(), offset);
    if (got < 0 && errno == EAGAIN) {
        ::posix_fadvise(file, offset, static_cast<off_t>(buffer.size()), POSIX_FADV_WILLNEED);
        errno = EAGAIN;
    }
    return got;
}

/// Only a regular file: a fifo would block the parent.
base::UniqueFd open_file(const std::string& path) {
    base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0) return {};
    if (S_ISREG(status.st_mode)) return file;
    errno = EINVAL;
    return {};
}

}  // namespace

/// The position of one client in the file.
class LogTail::Reader : public std::enable_shared_from_this<Reader> {
public:
    Reader(boost::asio::io_context& io, std::string path, Answer answer, base::Duration check_interval)
        : path_(std::move(path)), answer_(std::move(answer)), check_interval_(check_interval), timer_(io) {}

    /// Throws Failure without a file.
    void begin(std::size_t lines, bool follow) {
        follow_ = follow;
        file_ = open_file(path_);
        if (!file_) throw Failure(Code::failed, path_ + ": cannot be read: " + std::strerror(errno));
        // Who writes faster than this reads must not hold up the parent.
        first_end_ = file_size();
        offset_ = std::max<off_t>(0, first_end_ - static_cast<off_t>(max_bytes));
        is_cut_ = offset_ > 0;
        max_first_ = lines;
        read_first();
    }

private:
    void read_first() {
        while (offset_ < first_end_ && read_some()) {
        }
        if (offset_ < first_end_ && is_fetching_) return fetch();
        if (is_cut_ && !lines_.empty()) lines_.pop_front();
        if (is_cut_ && lines_.size() < max_first_) answer_.row(Row().add("note", cut_note()));
        while (lines_.size() > max_first_)
            lines_.pop_front();
        write();
    }

    [[nodiscard]] std::string cut_note() const {
        return "only the last " + base::format_size(max_bytes) +
               " are read: " + std::to_string(lines_.size()) + " lines; " + path_ + " has the others";
    }

    void fetch() {
        if (!answer_.open()) return;
        if (base::MonotonicClock::now() - began_ >= fetch_limit)
            return answer_.fail(Code::failed, path_ + ": the disk does not answer");
        timer_.expires_after(check_interval_);
        timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
            if (!error) self->read_first();
        });
    }

    [[nodiscard]] off_t file_size() const {
        struct stat status {};
        return ::fstat(file_.get(), &status) == 0 ? status.st_size : 0;
    }

    /// False without new data.
    bool read_some() {
        std::array<char, bytes_per_read> buffer;
        const ssize_t got = read_cached(file_.get(), buffer, offset_);
        is_fetching_ = got < 0 && errno == EAGAIN;
        if (got <= 0) return false;
        offset_ += got;
        for (const char c : std::string_view(buffer.data(), static_cast<std::size_t>(got))) {
            if (c != '\n' && rest_.size() < max_line) rest_ += c;
            if (c != '\n') continue;
            lines_.push_back(std::move(rest_));
            rest_.clear();
        }
        return true;
    }

    void write() {
        while (!lines_.empty() && answer_.row(Row().add("line", lines_.front())))
            lines_.pop_front();
        if (!lines_.empty()) return answer_.on_writable([self = shared_from_this()] { self->write(); });
        if (!follow_) return answer_.end();
        wait();
    }

    void wait() {
        if (!answer_.open()) return;
        // No delay while there is more to read.
        timer_.expires_after(more_ ? base::Duration{0} : check_interval_);
        timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
            if (!error) self->look();
        });
    }

    void look() {
        if (file_size() < offset_) {  // truncated
            offset_ = 0;
            rest_.clear();
        }
        more_ = read_some();
        if (!more_ && !is_fetching_) take_new_file();
        write();
    }

    /// After a rotation, once the old file has been read.
    void take_new_file() {
        struct stat named {};
        struct stat opened {};
        if (::stat(path_.c_str(), &named) != 0 || ::fstat(file_.get(), &opened) != 0) return;
        if (named.st_ino == opened.st_ino && named.st_dev == opened.st_dev) return;
        // Processes reopen the log one after the other and write to the old file until then.
        if (!std::exchange(rotated_, true)) return;
        base::UniqueFd next = open_file(path_);
        if (!next) return;
        file_ = std::move(next);
        offset_ = 0;
        rotated_ = false;
        if (!rest_.empty()) lines_.push_back(std::exchange(rest_, {}));
    }

    std::string path_;
    Answer answer_;
    base::Duration check_interval_;
    boost::asio::steady_timer timer_;
    base::UniqueFd file_;
    off_t offset_ = 0, first_end_ = 0;
    base::Instant began_ = base::MonotonicClock::now();
    std::size_t max_first_ = 0;  ///< of the lines that the file has already
    std::string rest_;
    std::deque<std::string> lines_;
    bool follow_ = false;
    bool is_cut_ = false;       ///< the first line may be half
    bool is_fetching_ = false;  ///< the last read needs the disk
    bool more_ = false;         ///< the last check found data
    bool rotated_ = false;      ///< the last check found a new file
};

void LogTail::add_to(ControlServer& server) {
    server.add("log-tail", Access::read,
               [this](const Request& request, Answer answer) { run(request, std::move(answer)); });
}

void LogTail::run(const Request& request, Answer answer) {
    request.allow({"lines", "follow"});
    const auto lines = request.number("lines", 0, max_lines).value_or(default_lines);
    if (path_.empty()) throw Failure(Code::refused, "the log is written to " + where_ + ", not to a file");
    std::make_shared<Reader>(io_, path_, std::move(answer), check_interval_)
        ->begin(static_cast<std::size_t>(lines), request.flag("follow").value_or(false));
}

}  // namespace control
