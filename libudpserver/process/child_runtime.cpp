#include "libudpserver/process/child_runtime.hpp"

#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <chrono>
#include <utility>

#include "base/fatal.hpp"
#include "base/log.hpp"
#include "libudpserver/ipc/messages.hpp"
#include "libudpserver/process/exit_status.hpp"

namespace process {

namespace log = base::log;
namespace msg = base::msg;

namespace {

// An exiting parent closes its links shortly before getppid() changes.
constexpr std::chrono::milliseconds parent_exit_timeout{500};

void log_ignored(const base::TakenSignals& taken) {
    for (int number : taken.ignored)
        log::write(msg::signal_ignored, "{}: ignored, a stronger signal arrived with it",
                   base::signal_name(number));
}

}  // namespace

ChildRuntime::ChildRuntime(Origin origin, base::UniqueFd link, base::SignalInbox& signals)
    : origin_(std::move(origin)),
      parent_(io_, std::move(link), origin_.party, ipc::Party::parent),
      signals_(io_, signals),
      parent_timer_(io_) {
    parent_.on_message([this](ipc::Message& message) { on_message(message); });
    parent_.on_closed([this](const std::string&) { on_link_lost(); });
    signals_.start([this](const base::TakenSignals& taken) { on_signals(taken); });
    messages_.on(ipc::MessageType::ping, [this](ipc::Message& message) { on_ping_message(message); });
    messages_.on(ipc::MessageType::stop, [this](ipc::Message& message) { on_stop_message(message); });
    messages_.on(ipc::MessageType::peer_link, [this](ipc::Message& message) { on_peer_message(message); });
}

ChildRuntime::~ChildRuntime() = default;

void ChildRuntime::report_ready(std::uint32_t adopted, std::uint32_t aborted) {
    if (parent_.send(ipc::Ready{adopted, aborted}) == ipc::SendResult::busy)
        throw base::Fatal("cannot report that it is ready: the queue of its link is full");
}

void ChildRuntime::on(ipc::MessageType type, std::function<void(ipc::Message&)> handler) {
    messages_.on(type, std::move(handler));
}

void ChildRuntime::report_lost(ipc::Party peer) {
    parent_.send(ipc::LinkLost{peer});
}

void ChildRuntime::on_peer(ipc::Party peer, PeerCallback callback) {
    peers_[static_cast<std::size_t>(peer)] = std::move(callback);
}

void ChildRuntime::report_failed(const std::string& reason) {
    parent_.send(ipc::Failed{reason});
}

int ChildRuntime::run() {
    const auto guard = boost::asio::make_work_guard(io_);
    while (!status_)
        io_.run();
    return *status_;
}

void ChildRuntime::finish(int status) {
    status_ = status;
    io_.stop();
}

void ChildRuntime::on_signals(const base::TakenSignals& taken) {
    for (int steps = taken.level_steps(); steps > 0; --steps)
        log::raise_level();
    for (int steps = taken.level_steps(); steps < 0; ++steps)
        log::lower_level();
    if (taken.reopen > 0) log::reopen();
    if (taken.info > 0 && on_info_) on_info_();
    log_ignored(taken);
    if (taken.end == 0) return;
    log::write(msg::signal_received, "{}: exiting", base::signal_name(taken.end));
    is_parent_gone() ? stop_without_parent() : leave();
}

void ChildRuntime::on_message(ipc::Message& message) {
    if (!messages_.dispatch(message))
        log::write(msg::debug, "{}: unhandled message", ipc::to_string(message.type));
}

void ChildRuntime::on_ping_message(ipc::Message& message) {
    const auto ping = ipc::read<ipc::Ping>(message);
    if (!ping) return parent_.refuse("malformed ping");
    auto reply = [this, sequence = ping->sequence] { parent_.send(ipc::Pong{sequence}); };
    on_ping_ ? on_ping_(std::move(reply)) : reply();
}

void ChildRuntime::on_stop_message(ipc::Message& message) {
    if (!ipc::read<ipc::Stop>(message)) return parent_.refuse("malformed stop");
    stop();
}

void ChildRuntime::on_peer_message(ipc::Message& message) {
    const auto link = ipc::read<ipc::PeerLink>(message);
    if (!link) return parent_.refuse("malformed peer-link");
    const auto peer = ipc::to_string(link->peer);
    if (link->lost) {
        log::write(msg::link_failed, "{}: the new link to {} could not be received: {}", origin_.role, peer,
                   "too many open files");
        return report_lost(link->peer);
    }
    const auto& callback = peers_[static_cast<std::size_t>(link->peer)];
    if (!callback) return log::write(msg::debug, "unexpected link to {}", peer);
    callback(std::move(message.descriptors.front()));
}

void ChildRuntime::on_link_lost() {
    if (stopping_) return;
    if (is_parent_gone()) return stop_without_parent();
    parent_timer_.expires_after(parent_exit_timeout);
    parent_timer_.async_wait([this](boost::system::error_code error) {
        if (error) return;
        is_parent_gone() ? stop_without_parent() : leave();
    });
}

bool ChildRuntime::is_parent_gone() const {
    return ::getppid() != origin_.parent;
}

void ChildRuntime::stop_without_parent() {
    if (!stopping_) log::write(msg::parent_died, "the parent exited, shutting down");
    stop();
}

void ChildRuntime::stop() {
    if (std::exchange(stopping_, true)) return;
    on_stop_ ? on_stop_() : finish(0);
}

void ChildRuntime::leave() {
    if (stopping_ || std::exchange(leaving_, true)) return;
    on_leave_ ? on_leave_() : finish(work_left);
}

}  // namespace process
