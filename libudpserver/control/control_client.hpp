#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/unique_fd.hpp"
#include "libudpserver/control/control_answer.hpp"
#include "libudpserver/control/control_settings.hpp"
#include "libudpserver/control/line_reader.hpp"
#include "libudpserver/control/request.hpp"

namespace control {

/// One connection to the control socket: reads a request, passes it on, writes the answer, then reads the
/// next one. Output waits in one bounded buffer for the client; nothing blocks on the client.
class ControlClient {
public:
    struct Hooks {
        /// Answers a request; throws Failure for an invalid one.
        std::function<void(const Request&, Answer)> on_request;
        /// The connection is closed; the client may be destroyed in here. From the loop.
        std::function<void()> on_closed;
    };

    ControlClient(boost::asio::io_context& io, base::UniqueFd socket, Peer peer, const ControlBounds& bounds,
                  Hooks hooks);
    ~ControlClient();
    ControlClient(const ControlClient&) = delete;
    ControlClient& operator=(const ControlClient&) = delete;

    void start();
    [[nodiscard]] const Peer& peer() const { return peer_; }
    /// Bytes that the client has not read yet.
    [[nodiscard]] std::size_t unread() const { return out_.size(); }
    [[nodiscard]] bool is_open() const { return socket_.is_open(); }
    /// Since when the client has sent no request and receives no answer.
    [[nodiscard]] std::optional<base::Instant> silent_since() const { return silent_since_; }
    /// Closes the connection of a silent client, because another one needs its place.
    void make_room();

private:
    friend class Answer;
    struct Timeout {
        boost::asio::steady_timer timer;
        bool running = false;
        unsigned armed = 0;
        int unread = 0;  ///< bytes in the kernel when it started
    };

    // For Answer; `number` is that of its request.
    [[nodiscard]] bool is_answering(std::uint64_t number) const {
        return number == current_ && socket_.is_open();
    }
    [[nodiscard]] bool has_room() const { return unread() < bounds_.chunk && !closing_; }
    void write(std::string_view line);
    void finish(std::uint64_t number, std::string_view end_line);

    void kick();
    void turn();
    void take_turn();
    void flush();
    void handle(const std::string& line);
    void wait_for_request();
    void wait_readable();
    void wait_writable();
    void watch_for_hang_up();
    void read_some();
    void give_up(std::string_view line);
    void start(Timeout& timeout, base::Duration limit, const char* what);
    void start_read_timeout();
    void on_timeout(Timeout& timeout, base::Duration limit, const char* what);
    static void cancel(Timeout& timeout);
    void close();

    boost::asio::posix::stream_descriptor socket_;
    Peer peer_;
    const ControlBounds& bounds_;
    Hooks hooks_;
    LineReader reader_{max_request};
    Timeout line_timeout_, read_timeout_;
    std::optional<base::Instant> silent_since_;
    bool has_partial_line_ = false;  ///< line_timeout_ waits for its end
    std::string out_;
    std::uint64_t requests_ = 0;
    std::uint64_t current_ = 0;  ///< the request that is being answered; 0: none
    std::function<void()> on_writable_, on_gone_;
    bool kicked_ = false;
    bool reading_ = false, writing_ = false;  ///< a wait is pending
    bool input_ended_ = false;
    bool closing_ = false;  ///< once everything is written
    std::shared_ptr<ControlClient*>
        alive_;  ///< for late handlers; the last member, so that it is destroyed first
};

/// Rejects a client: sends as much of the line as the socket accepts at once, then closes.
void turn_away(base::UniqueFd socket, std::string_view line);

}  // namespace control
