#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <string>

#include "base/clock.hpp"
#include "base/unique_fd.hpp"

namespace proxyd {

/// The service manager that started proxyd, such as systemd (sd_notify(3)): learns the state of this process
/// by datagrams to $NOTIFY_SOCKET. Without this variable nothing is sent.
class Notifier {
public:
    using Status = std::function<std::string()>;

    explicit Notifier(boost::asio::io_context& io);

    /// From now on sends `status` whenever it has changed, and shows at $WATCHDOG_USEC that the loop runs.
    void start(Status status);

    /// Ends what reloading() began. Repeated calls send nothing.
    void ready();
    /// This process is busy with a reload or an upgrade.
    void reloading();
    void stopping();

private:
    void report(std::string state);
    void send(int flags);
    void turn();

    boost::asio::steady_timer timer_;
    base::UniqueFd socket_;
    sockaddr_un address_{};
    socklen_t address_size_ = 0;
    base::Duration interval_;
    bool has_watchdog_ = false;
    bool is_ready_ = false;
    Status status_;
    std::string last_status_;  ///< that was sent
    std::string unsent_;       ///< a state that the manager does not know yet
};

}  // namespace proxyd
