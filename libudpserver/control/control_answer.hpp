#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "libudpserver/control/control_access.hpp"
#include "libudpserver/control/failure.hpp"
#include "libudpserver/control/row.hpp"

namespace control {

class ControlClient;

/// The answer to one request, written now or later: rows, then end() or fail(). Copies share one answer; if
/// the last copy is destroyed before the end, the client receives an error. After the client has
/// disconnected, all functions here have no effect. Callbacks are called from the loop, never inside a call.
class Answer {
public:
    /// False if the row was not accepted: the buffer of the client is full, or it has disconnected.
    bool row(const Row& row) { return lines(row.text()); }
    /// Rows as text, for example from a child; the last newline may be missing.
    bool lines(std::string_view text);

    void end();
    void fail(Code code, std::string_view text);
    /// Ends with an end line that a child wrote.
    void end_with(std::string_view line);

    /// The client is connected and the answer has not ended.
    [[nodiscard]] bool open() const;
    /// A row would be accepted. A new answer accepts at least ControlBounds::chunk bytes.
    [[nodiscard]] bool writable() const;
    /// Called once, when the client has read everything that was written.
    void on_writable(std::function<void()> callback);
    /// Called once, if the client disconnects before the end.
    void on_closed(std::function<void()> callback);

    [[nodiscard]] const Peer& peer() const;

private:
    friend class ControlClient;
    /// The client, if it is still connected, and the number of its request.
    struct Ticket;
    Answer(std::weak_ptr<ControlClient*> client, std::uint64_t request, Peer peer);
    [[nodiscard]] ControlClient* client() const;
    static void abandon(const Ticket& ticket);

    std::shared_ptr<Ticket> ticket_;
};

}  // namespace control
