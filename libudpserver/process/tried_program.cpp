#include "libudpserver/process/tried_program.hpp"

#include <fmt/core.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <system_error>
#include <utility>

namespace process {

using boost::asio::posix::stream_descriptor;

namespace {

constexpr std::size_t max_word = 2048;

void require(int error, const std::string& what) {
    if (error != 0) throw std::system_error(error, std::system_category(), what);
}

std::vector<char*> pointers(std::vector<std::string>& words) {
    std::vector<char*> result;
    for (std::string& word : words)
        result.push_back(word.data());
    result.push_back(nullptr);
    return result;
}

/// A descriptor that is copied to its own number stays open in the other program.
class KeptDescriptors {
public:
    explicit KeptDescriptors(const std::vector<int>& descriptors) {
        require(::posix_spawn_file_actions_init(&actions_), "posix_spawn");
        for (const int fd : descriptors)
            require(::posix_spawn_file_actions_adddup2(&actions_, fd, fd), "posix_spawn");
    }
    ~KeptDescriptors() { ::posix_spawn_file_actions_destroy(&actions_); }
    KeptDescriptors(const KeptDescriptors&) = delete;
    KeptDescriptors& operator=(const KeptDescriptors&) = delete;

    [[nodiscard]] const posix_spawn_file_actions_t* get() const { return &actions_; }

private:
    posix_spawn_file_actions_t actions_{};
};

class DefaultSignals {
public:
    DefaultSignals() {
        require(::posix_spawnattr_init(&attributes_), "posix_spawn");
        sigset_t none, all;
        sigemptyset(&none);
        sigfillset(&all);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setsigdefault(&attributes_, &all);
        ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }
    ~DefaultSignals() { ::posix_spawnattr_destroy(&attributes_); }
    DefaultSignals(const DefaultSignals&) = delete;
    DefaultSignals& operator=(const DefaultSignals&) = delete;

    [[nodiscard]] const posix_spawnattr_t* get() const { return &attributes_; }

private:
    posix_spawnattr_t attributes_{};
};

pid_t spawn_program(const TriedProgram::Start& start, int socket) {
    std::vector<std::string> arguments = start.arguments, environment = start.environment;
    for (char** variable = environ; *variable != nullptr; ++variable)
        environment.emplace_back(*variable);
    environment.push_back(start.socket_variable + "=" + std::to_string(socket));
    std::vector<int> descriptors = start.descriptors;
    descriptors.push_back(socket);
    const KeptDescriptors kept(descriptors);
    const DefaultSignals signals;
    pid_t pid = -1;
    require(::posix_spawn(&pid, start.path.c_str(), kept.get(), signals.get(), pointers(arguments).data(),
                          pointers(environment).data()),
            start.path);
    return pid;
}

/// The kernel kills them when their parent exits, which may hang.
void kill_children_of(pid_t parent) {
    std::ifstream children(fmt::format("/proc/{0}/task/{0}/children", parent));
    for (pid_t pid = 0; children >> pid;)
        ::kill(pid, SIGKILL);
}

}  // namespace

TriedProgram::TriedProgram(boost::asio::io_context& io, const Start& start, Hooks hooks, Unreaped& unreaped)
    : hooks_(std::move(hooks)), unreaped_(unreaped), socket_(io), exit_(io) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
        require(errno, "socketpair");
    socket_.assign(ends[0]);
    const base::UniqueFd theirs(ends[1]);
    pid_ = spawn_program(start, theirs.get());
    const int process = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
    if (process < 0) {
        const int error = errno;
        end();
        require(error, "pidfd_open");
    }
    exit_.assign(process);
    read_words();
    wait_for_exit();
}

TriedProgram::~TriedProgram() {
    end();
}

bool TriedProgram::say(std::string_view word) {
    return ::send(socket_.native_handle(), word.data(), word.size(), MSG_DONTWAIT | MSG_NOSIGNAL) ==
           static_cast<ssize_t>(word.size());
}

void TriedProgram::end() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);  // it has no more children from now on
    kill_children_of(pid_);
    unreaped_.kill(std::exchange(pid_, -1));
}

// All words that it sent are read before its exit is reported: the last one may have the reason.
void TriedProgram::read_words() {
    socket_.async_wait(
        stream_descriptor::wait_read, [this, alive = std::weak_ptr(alive_)](boost::system::error_code error) {
            if (error || alive.expired() || pid_ < 0) return;
            std::array<char, max_word> word;
            const ssize_t got = ::recv(socket_.native_handle(), word.data(), word.size(), MSG_DONTWAIT);
            if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return;
            read_words();
            if (got > 0) hooks_.on_word(std::string(word.data(), static_cast<std::size_t>(got)));
        });
}

void TriedProgram::wait_for_exit() {
    exit_.async_wait(
        stream_descriptor::wait_read, [this, alive = std::weak_ptr(alive_)](boost::system::error_code error) {
            if (error || alive.expired() || pid_ < 0) return;
            std::array<char, max_word> word;
            ssize_t got = 0;
            while ((got = ::recv(socket_.native_handle(), word.data(), word.size(), MSG_DONTWAIT)) > 0)
                hooks_.on_word(std::string(word.data(), static_cast<std::size_t>(got)));
            if (pid_ < 0) return;
            // It has exited, so this does not wait; another process that traces it may do that.
            hooks_.on_exit({.wait_status = unreaped_.kill(std::exchange(pid_, -1)), .hung = false});
        });
}

}  // namespace process
