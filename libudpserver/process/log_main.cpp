#include "libudpserver/process/log_main.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <span>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/log_sink_syslog.hpp"
#include "base/log_wire.hpp"
#include "base/process_title.hpp"
#include "base/signals.hpp"
#include "libudpserver/process/spawn.hpp"
#include "libudpserver/process/terminal.hpp"

namespace process {

namespace log = base::log;
namespace msg = base::msg;

namespace {

/// A channel that is always full must not keep the others from being read.
constexpr int packets_a_turn = 64;
constexpr base::Duration report_interval{1'000};
/// How long LOG looks whether more lines were lost.
constexpr int check_ms = 1'000;
/// How long LOG pauses after it has written: to wake up for each line costs more than to write it, on both
/// sides. A channel has room for the lines of this time at any rate.
constexpr int pause_ms = 5;
/// The roles that a program that is tried out may claim for its processes.
constexpr std::array<std::string_view, 4> claimable{"", "REG", "ACR", "APR"};

int control_of_log = -1;

void say(std::string_view word, std::string_view rest = {}) {
    const std::string text = std::string(word) + std::string(rest);
    static_cast<void>(::send(control_of_log, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
}

/// Also the signals to a whole group: LOG writes the last lines of the processes that they end.
void ignore_signals() {
    for (const base::HandledSignal& handled : base::handled_signals())
        if (handled.action != base::SignalAction::child) std::signal(handled.number, SIG_IGN);
    std::signal(SIGCHLD, SIG_DFL);
    base::unblock_all();
}

class LogLoop {
public:
    LogLoop(log::Channels& channels, int control) : channels_(channels), control_(control) {
        for (log::Channel& channel : channels.all())
            sources_.push_back({&channel});
    }

    void run() {
        while (!done_) {
            wait();
            ++channels_.turns();
            if (watched_.front().revents != 0) obey();
            if (done_) return;
            for (std::size_t i = 0; i < sources_.size(); ++i) {
                active_ |= read_some(sources_[i]);
                const bool hung_up = (watched_[i + 1].revents & POLLHUP) != 0;
                sources_[i].ended |= hung_up && sources_[i].empty;
            }
            count_unwritten();
            report_lost();
            done_ = std::ranges::all_of(sources_, &Source::ended);
        }
    }

    /// Writes what the channels hold now.
    void finish() {
        for (bool more = true; more;) {
            more = false;
            for (Source& source : sources_)
                more |= read_some(source);
        }
        count_unwritten();
        last_report_ = {};
        report_lost();
        done_ = true;
    }

private:
    struct Source {
        log::Channel* channel;
        bool empty = false;
        bool ended = false;  ///< no process is left that could send
    };

    void wait() {
        watched_ = {{control_, POLLIN, 0}};
        for (const Source& source : sources_)
            watched_.push_back({source.ended ? -1 : source.channel->receiver.get(), POLLIN, 0});
        if (active_) ::poll(watched_.data(), 1, pause_ms);  // an order ends the pause
        // A sender may count a lost line after its channel was read.
        ::poll(watched_.data(), watched_.size(), active_ ? check_ms : -1);
        active_ = false;
    }

    void obey() {
        char order = 0;
        const ssize_t got = ::recv(control_, &order, 1, MSG_DONTWAIT);
        if (got < 0) return;
        const std::string_view word(&order, 1);
        // Without a parent its children may still have something to say.
        if (got == 0) control_ = -1;
        if (got > 0 && word == log_words::stop) done_ = true;
        if (got > 0 && word == log_words::finish) finish();
    }

    /// True if there was a packet.
    bool read_some(Source& source) {
        int count = 0;
        while (count < packets_a_turn && read_one(*source.channel))
            ++count;
        source.empty = count < packets_a_turn;
        return count > 0;
    }

    // The kernel says which process sent it.
    bool read_one(log::Channel& channel) {
        iovec part{packet_.data(), packet_.size()};
        alignas(cmsghdr) char credentials[CMSG_SPACE(sizeof(ucred))];
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = credentials;
        message.msg_controllen = sizeof credentials;
        const ssize_t got = ::recvmsg(channel.receiver.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        // A packet may be empty; the end of the channel comes without credentials.
        if (got < 0 || (got == 0 && message.msg_controllen == 0)) return false;
        ucred sender{};
        for (cmsghdr* one = CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(&message, one))
            if (one->cmsg_level == SOL_SOCKET && one->cmsg_type == SCM_CREDENTIALS)
                std::memcpy(&sender, CMSG_DATA(one), sizeof sender);
        write(channel, {packet_.data(), static_cast<std::size_t>(got)}, sender.pid);
        return true;
    }

    void write(const log::Channel& channel, std::span<const char> packet, int pid) {
        const auto line = log::parse_wire(packet);
        const bool claims = channel.role == candidate_role;
        if (!line || (claims && std::ranges::find(claimable, line->role) == claimable.end()))
            return log::write(msg::link_refused, "log line of {} pid {}: malformed", channel.role, pid);
        errno = 0;
        log::relay(*line, claims ? line->role : channel.role, pid);
        note_error(errno);
    }

    /// The error of a line that was lost. Nothing after the write in question sets errno.
    void note_error(int error) {
        const bool is_lost = log::lost() != unwritten_;
        channels_.write_error() = is_lost ? static_cast<std::uint64_t>(error) : 0;
    }

    void count_unwritten() {
        const std::uint64_t now = log::lost();
        if (now != unwritten_) channels_.unwritten() += now - unwritten_;
        unwritten_ = now;
    }

    void report_lost() {
        const base::Instant now = base::MonotonicClock::now();
        if (now - last_report_ < report_interval) return;
        for (const Source& source : sources_) {
            const std::uint64_t lost = source.channel->lost(), reported = *source.channel->reported;
            if (lost == reported) continue;
            const std::string& role = source.channel->role;
            last_report_ = now;
            const std::uint64_t unwritten = log::lost();
            log::write(msg::log_lost, "{}: {} lines lost, {} since the start", role.empty() ? "parent" : role,
                       lost - reported, lost);
            if (log::lost() == unwritten) *source.channel->reported = lost;
        }
    }

    log::Channels& channels_;
    int control_;
    std::vector<Source> sources_;
    std::vector<pollfd> watched_;
    std::array<char, log::max_wire_packet> packet_;
    std::uint64_t unwritten_ = 0;
    base::Instant last_report_{};
    bool active_ = true;
    bool done_ = false;
};

void close_others(log::Channels& channels, int control, int other_receiver) {
    std::vector<int> keep = channels.receivers();
    keep.insert(keep.end(), {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, control, other_receiver});
    close_all_but(std::move(keep));
}

void prepare(const LogSetup& setup) {
    log::open(setup.log, setup.name, setup.foreground);
    leave_terminal();
    if (!setup.foreground && ::chdir("/") != 0) throw std::runtime_error("chdir /");
    setup.user ? base::drop_privileges(*setup.user) : base::forbid_new_privileges();
    log::become(log_role, false);
    log::SyslogSink::on_stop([] { say(log_words::end_proxy); });
    if (setup.confine) setup.confine();
}

/// The log is written without it too.
void start_other_work(const LogSetup& setup, int receiver) try {
    if (setup.other_work) std::thread([&setup, receiver] { setup.other_work(receiver); }).detach();
} catch (const std::system_error& error) {
    log::write(msg::status_file_failed, "status files are not written: no thread: {}", error.what());
}

/// False if it is not needed after all.
bool wait_for_go(int control, bool& finish) {
    char order = 0;
    ssize_t got = -1;
    do {
        got = ::recv(control, &order, 1, 0);
    } while (got < 0 && errno == EINTR);
    finish = got > 0 && std::string_view(&order, 1) == log_words::finish;
    return got <= 0 || std::string_view(&order, 1) != log_words::stop;
}

}  // namespace

void log_main(const LogSetup& setup, log::Channels& channels, int control, int other_receiver) {
    control_of_log = control;
    int status = EXIT_FAILURE;
    try {
        ::setsid();
        ignore_signals();
        close_others(channels, control, other_receiver);
        base::set_process_title(setup.name, log_role);
        prepare(setup);
        say(log_words::opened);
        LogLoop loop(channels, control);
        start_other_work(setup, other_receiver);
        bool finish = false;
        if (wait_for_go(control, finish)) finish ? loop.finish() : loop.run();
        status = EXIT_SUCCESS;
    } catch (const std::exception& error) {
        say(log_words::failed, error.what());
    }
    ::_exit(status);
}

}  // namespace process
