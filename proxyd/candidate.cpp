#include "proxyd/candidate.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

#include "base/log.hpp"
#include "proxyd/parent.hpp"

namespace proxyd {

using boost::asio::posix::stream_descriptor;

namespace {

constexpr std::size_t max_reason = 1000;

/// The other program decides when this one ends; a signal to the whole group is for that one.
void ignore_ends() {
    for (const base::HandledSignal& handled : base::handled_signals())
        if (handled.action == base::SignalAction::end) std::signal(handled.number, SIG_IGN);
}

/// An empty word: the other program is gone.
std::string read_word(int socket) {
    std::array<char, 64> word;
    ssize_t got = -1;
    do {
        got = ::recv(socket, word.data(), word.size(), 0);
    } while (got < 0 && errno == EINTR);
    return {word.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
}

}  // namespace

std::optional<Candidate> Candidate::from_environment() {
    const char* const value = std::getenv(candidate_variable);
    if (value == nullptr) return std::nullopt;
    int descriptor = -1;
    const auto [end, error] = std::from_chars(value, value + std::strlen(value), descriptor);
    if (error != std::errc() || *end != '\0' || ::fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0)
        throw std::runtime_error(std::string(candidate_variable) + " is not a descriptor");
    ::unsetenv(candidate_variable);
    ::unsetenv("NOTIFY_SOCKET");  // the service manager must not take this process for the proxy
    return Candidate(base::UniqueFd(descriptor));
}

void Candidate::say(std::string_view word) const {
    static_cast<void>(::send(socket_.get(), word.data(), word.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
}

void Candidate::say_failed(std::string_view reason) const {
    say(std::string(words::failed) + std::string(reason.substr(0, max_reason)));
}

int Candidate::run(Parent& parent) const {
    ignore_ends();
    say(words::prepared);
    if (read_word(socket_.get()) != words::go) return 1;
    process::Supervisor& supervisor = parent.supervisor();
    std::string failure = "the program that it was to replace is gone";
    bool leaving = false;
    stream_descriptor socket(parent.io(), ::fcntl(socket_.get(), F_DUPFD_CLOEXEC, 0));
    socket.async_wait(stream_descriptor::wait_read, [&](boost::system::error_code) {
        leaving = true;
        // Without the other program nobody else could record the sessions.
        if (read_word(socket_.get()) != words::leave) return supervisor.stop();
        supervisor.pause(process::Supervisor::Pause::leave, [&] {
            failure.clear();
            parent.io().stop();
        });
    });
    supervisor.on_all_ready([this] { say(words::ready); });
    supervisor.on_child_exit([&](const process::Child& child) {
        if (leaving) return;
        failure = child.failure();
        parent.io().stop();
    });
    supervisor.start();
    parent.io().run();
    if (leaving && is_alone()) parent.report_left_sessions();
    return failure.empty() ? 0 : fail(failure);
}

/// The other program has died: nobody else sees to the records.
bool Candidate::is_alone() const {
    char word = 0;
    return ::recv(socket_.get(), &word, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

// Children that still run must not meet the destructors of the objects that supervise them.
int Candidate::fail(const std::string& reason) const {
    say_failed(reason);
    base::log::flush_and_close();
    ::_exit(1);
}

}  // namespace proxyd
