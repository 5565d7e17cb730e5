#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.hpp"
#include "libudpserver/process/exit_status.hpp"
#include "libudpserver/process/unreaped.hpp"

namespace process {

/// Another program that runs as a child of this one, to be tried out. Both sides send words through a socket.
/// It is killed with this object, which must not be destroyed from its own hooks.
class TriedProgram {
public:
    struct Start {
        std::string path;
        std::vector<std::string> arguments;    ///< including the name of the program
        std::vector<std::string> environment;  ///< `NAME=value`, besides that of this process
        std::vector<int> descriptors;          ///< that it gets, with their numbers
        std::string socket_variable;           ///< names the descriptor of its socket
    };
    struct Hooks {
        std::function<void(const std::string& word)> on_word;
        std::function<void(const ExitStatus&)> on_exit;
    };

    /// Throws std::system_error if it cannot be started.
    TriedProgram(boost::asio::io_context& io, const Start& start, Hooks hooks, Unreaped& unreaped);
    /// As end().
    ~TriedProgram();
    TriedProgram(const TriedProgram&) = delete;
    TriedProgram& operator=(const TriedProgram&) = delete;

    /// False if it does not read, or has exited.
    bool say(std::string_view word);
    /// Kills it and its children, and waits for its exit, at most as long as Unreaped::kill(); on_exit is not
    /// called any more.
    void end();
    [[nodiscard]] pid_t pid() const { return pid_; }

private:
    void read_words();
    void wait_for_exit();

    Hooks hooks_;
    Unreaped& unreaped_;
    boost::asio::posix::stream_descriptor socket_, exit_;
    pid_t pid_ = -1;
    // Handlers that are already queued when this object is destroyed see that it is empty.
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace process
