#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libudpserver/control/control_client.hpp"
#include "libudpserver/control/control_settings.hpp"
#include "libudpserver/control/control_socket.hpp"

namespace control {

/// The control socket of the parent (doc/design.md, Control): accepts permitted clients and calls the handler
/// of each command. It knows no command itself. No client can block the parent.
class ControlServer {
public:
    using Handler = std::function<void(const Request&, Answer)>;

    /// Throws base::Fatal if the socket cannot be opened. `made`: a socket from before an upgrade.
    ControlServer(boost::asio::io_context& io, ControlSettings settings, ControlSocket::Made made = {});
    ~ControlServer();
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;

    /// Adds a command. The handler may throw Failure, and may keep the answer to finish it later. Commands
    /// that need Access::change are logged with their user (CTRL-210-N).
    void add(const std::string& name, Access needed, Handler handler);

    /// Starts to accept clients.
    void start();

    [[nodiscard]] const std::string& path() const { return socket_.path(); }
    [[nodiscard]] const ControlSocket& socket() const { return socket_; }
    [[nodiscard]] std::size_t clients() const { return clients_.size(); }

private:
    struct Command {
        Access needed = Access::change;
        Handler handler;
    };

    void wait();
    void accept_some();
    void pause(int error);
    void admit(base::UniqueFd socket);
    [[nodiscard]] std::string objection(const Peer& peer) const;
    bool make_room_for(const Peer& peer);
    void serve(base::UniqueFd socket, Peer peer, Access access);
    void run(const Request& request, Answer answer, Access access);

    boost::asio::io_context& io_;
    ControlSettings settings_;
    ControlSocket socket_;
    boost::asio::posix::stream_descriptor listener_;
    boost::asio::steady_timer pause_;
    std::map<std::string, Command> commands_;
    std::map<std::uint64_t, std::unique_ptr<ControlClient>> clients_;
    std::uint64_t last_client_ = 0;
};

}  // namespace control
