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

/// The control socket of the parent (DESIGN §9): lets clients in that may come in, and hands each request to
/// the command of its name. It knows no command itself. Nothing that a client does, or does not do, holds the
/// parent up.
class ControlServer {
public:
    using Handler = std::function<void(const Request&, Answer)>;

    /// Throws base::Fatal when the socket cannot be had. `made`: one that this process has already.
    ControlServer(boost::asio::io_context& io, ControlSettings settings, ControlSocket::Made made = {});
    ~ControlServer();
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;

    /// A command. The handler may throw Failure, and may keep the answer and finish it later.
    /// Commands that need Access::change are logged with who gave them (CTRL-210-N).
    void add(const std::string& name, Access needed, Handler handler);

    /// Serves from now on.
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
