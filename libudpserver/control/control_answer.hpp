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

/// The answer to one request, to be written now or later: rows, then end() or fail(). Copies are the same
/// answer; when the last one goes away unfinished, the client is told that the command failed. A client may
/// go at any time: then everything here does nothing. Callbacks come from the loop, never inside a call.
class Answer {
public:
    /// False when the row was not taken: the client has not read what it has, or is gone.
    bool row(const Row& row) { return lines(row.text()); }
    /// Rows that are lines already, for example a child's; the last line end may be missing.
    bool lines(std::string_view text);

    void end();
    void fail(Code code, std::string_view text);
    /// The end line as it is: a child wrote it.
    void end_with(std::string_view line);

    /// The client is there and the answer is not at its end.
    [[nodiscard]] bool open() const;
    /// A row would be taken. Until end() a new answer takes at least ControlBounds::chunk bytes.
    [[nodiscard]] bool writable() const;
    /// Once: when the client has taken everything that was written.
    void on_writable(std::function<void()> callback);
    /// Once: when the client goes before the end.
    void on_closed(std::function<void()> callback);

    [[nodiscard]] const Peer& peer() const;

private:
    friend class ControlClient;
    /// Knows whether the client still lives, and which of its requests is meant.
    struct Ticket;
    Answer(std::weak_ptr<ControlClient*> client, std::uint64_t request, Peer peer);
    [[nodiscard]] ControlClient* client() const;
    static void abandon(const Ticket& ticket);

    std::shared_ptr<Ticket> ticket_;
};

}  // namespace control
