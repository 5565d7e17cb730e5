#include "libudpserver/control/control_server.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "base/log.hpp"
#include "base/text.hpp"
#include "libudpserver/control/answer_line.hpp"

namespace control {

namespace log = base::log;
namespace msg = base::msg;
using boost::asio::posix::stream_descriptor;

namespace {

// Clients that are accepted before other handlers of the loop run.
constexpr int clients_a_turn = 16;
constexpr std::chrono::milliseconds accept_pause{500};

/// Errors of one client that disconnected before it was accepted.
bool is_of_client(int error) {
    return error == ECONNABORTED || error == EINTR || error == EPROTO;
}

}  // namespace

ControlServer::ControlServer(boost::asio::io_context& io, ControlSettings settings, ControlSocket::Made made)
    : io_(io),
      settings_(std::move(settings)),
      socket_(made.listening ? ControlSocket(settings_, std::move(made)) : ControlSocket(settings_)),
      listener_(io),
      pause_(io) {}

ControlServer::~ControlServer() {
    // socket_ owns the descriptor.
    if (listener_.is_open()) listener_.release();
}

void ControlServer::add(const std::string& name, Access needed, Handler handler) {
    commands_[name] = {needed, std::move(handler)};
}

void ControlServer::start() {
    listener_.assign(socket_.descriptor());
    log::write(msg::control_open, "control socket {}", path());
    wait();
}

// Both handlers get an error when the server is destroyed, and then touch nothing.
void ControlServer::wait() {
    listener_.async_wait(stream_descriptor::wait_read, [this](boost::system::error_code error) {
        if (!error) accept_some();
    });
}

void ControlServer::accept_some() {
    for (int i = 0; i < clients_a_turn; ++i) {
        base::UniqueFd socket(
            ::accept4(socket_.descriptor(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (socket) {
            admit(std::move(socket));
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            break;
        } else if (!is_of_client(errno)) {
            return pause(errno);
        }
    }
    wait();
}

// Without descriptors the socket stays readable, and the loop would spin.
void ControlServer::pause(int error) {
    log::write(msg::control_accept_failed, "control socket {}: cannot accept clients: {}; retrying in {}",
               path(), std::strerror(error), base::format_duration(accept_pause));
    pause_.expires_after(accept_pause);
    pause_.async_wait([this](boost::system::error_code cancelled) {
        if (!cancelled) accept_some();
    });
}

void ControlServer::admit(base::UniqueFd socket) {
    try {
        auto peer = peer_of(socket.get());
        if (!peer) return;
        const Access access = access_of(*peer, settings_.rights);
        if (access == Access::none) {
            log::write(msg::control_refused, "control socket: {} may not use it", to_string(*peer));
            return turn_away(std::move(socket), error_line(Code::refused,
                                                           "you may not control this proxy; be root, or a "
                                                           "member of control.group"));
        }
        std::string why = objection(*peer);
        if (!why.empty() && make_room_for(*peer)) why = objection(*peer);
        if (!why.empty()) {
            log::write(msg::control_full, "control socket: {} rejected: {}", to_string(*peer), why);
            return turn_away(std::move(socket), error_line(Code::busy, why));
        }
        serve(std::move(socket), *std::move(peer), access);
    } catch (const std::exception& error) {
        log::write(msg::control_failed, "control socket: a client was not accepted: {}", error.what());
    }
}

/// Why a permitted client cannot be accepted now.
std::string ControlServer::objection(const Peer& peer) const {
    const ControlBounds& bounds = settings_.bounds;
    const auto is_open = [](const auto& entry) { return entry.second->is_open(); };
    const auto open = static_cast<std::size_t>(std::ranges::count_if(clients_, is_open));
    const std::size_t kept = peer.uid == 0 ? 0 : std::min(bounds.reserved_for_root, bounds.max_clients);
    if (open >= bounds.max_clients - kept)
        return fmt::format("{} clients already use the control socket; close one, or retry later", open);
    const auto of_user = std::ranges::count_if(
        clients_, [&](const auto& entry) { return is_open(entry) && entry.second->peer().uid == peer.uid; });
    if (peer.uid == 0 || static_cast<std::size_t>(of_user) < bounds.max_clients_per_user) return {};
    return fmt::format("{} clients of uid {} already use the control socket; close one, or retry later",
                       of_user, peer.uid);
}

/// Closes the client that has been silent for longest: any one for root, one of its own for another user.
bool ControlServer::make_room_for(const Peer& peer) {
    ControlClient* longest = nullptr;
    for (const auto& [number, client] : clients_) {
        if (!client->is_open() || !client->silent_since()) continue;
        if (peer.uid != 0 && client->peer().uid != peer.uid) continue;
        if (!longest || client->silent_since() < longest->silent_since()) longest = client.get();
    }
    const base::Instant latest = base::MonotonicClock::now() - settings_.bounds.min_silence;
    if (!longest || *longest->silent_since() > latest) return false;
    longest->make_room();
    return true;
}

void ControlServer::serve(base::UniqueFd socket, Peer peer, Access access) {
    const std::uint64_t number = ++last_client_;
    ControlClient::Hooks hooks{
        [this, access](const Request& request, Answer answer) { run(request, std::move(answer), access); },
        [this, number] { clients_.erase(number); },
    };
    auto client = std::make_unique<ControlClient>(io_, std::move(socket), std::move(peer), settings_.bounds,
                                                  std::move(hooks));
    clients_.emplace(number, std::move(client)).first->second->start();
}

void ControlServer::run(const Request& request, Answer answer, Access access) {
    const auto found = commands_.find(request.command());
    if (found == commands_.end()) {
        std::vector<std::string> names;
        for (const auto& [name, command] : commands_)
            names.push_back(name);
        throw Failure(Code::unknown, not_among("command", request.command(), names));
    }
    const Command& command = found->second;
    if (command.needed > access) {
        log::write(msg::control_refused, "{} has read-only access: {}", to_string(answer.peer()),
                   request.line());
        throw Failure(
            Code::refused,
            fmt::format("you have read-only access, and '{}' needs full access; be root, or a member of "
                        "control.group",
                        request.command()));
    }
    if (command.needed == Access::change)
        log::write(msg::control_command, "{}: {}", to_string(answer.peer()), request.line());
    command.handler(request, std::move(answer));
}

}  // namespace control
