#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/token_bucket.hpp"
#include "libudpserver/session/hold_queue.hpp"
#include "libudpserver/session/proxy.hpp"
#include "libudpserver/session/record.hpp"
#include "libudpserver/session/session_filter.hpp"
#include "libudpserver/session/session_limits.hpp"

namespace session {

/// What only few sessions have: datagrams that wait for a look-up, a name of the client.
struct SessionExtra {
    explicit SessionExtra(HoldBudget& budget) : queue(budget) {}

    HoldQueue queue;
    bool is_holding = false;   ///< client datagrams go into the queue, not to the handler
    bool is_resuming = false;  ///< resume() was called: the queue is released after this call
    std::string client_name;
};

/// What the engine keeps of a session beside its record, because it need not survive REG.
struct SessionSide {
    std::unique_ptr<SessionHandler> handler;
    IdleWindow idle_window;
    Silence silence;
    base::TokenBucket rate;               ///< of the client's datagrams
    Instant renew_after{}, renewed_at{};  ///< of its source: the next try, the last success
    std::unique_ptr<SessionExtra> extra;  ///< null for most sessions
};

/// A handle on a session: its record in the arena and what the engine keeps beside it. Cheap to copy and
/// valid as long as the SessionStore; an empty handle stands for no session.
class Session {
public:
    Session() = default;
    Session(Slot slot, Record& record, SessionSide& side) : record_(&record), side_(&side), slot_(slot) {}

    explicit operator bool() const { return record_ != nullptr; }
    Record* operator->() const { return record_; }
    [[nodiscard]] Record& record() const { return *record_; }
    [[nodiscard]] SessionSide& side() const { return *side_; }
    [[nodiscard]] Slot slot() const { return slot_; }
    [[nodiscard]] SessionId id() const { return {slot_, record_->generation}; }

    /// It is open, and nothing has closed it in this turn.
    [[nodiscard]] bool is_open() const {
        return record_->state == State::open && record_->reason == CloseReason::none;
    }
    [[nodiscard]] bool is_holding() const { return side_->extra != nullptr && side_->extra->is_holding; }
    /// Empty when it is not known.
    [[nodiscard]] std::string_view client_name() const {
        return side_->extra != nullptr ? std::string_view(side_->extra->client_name) : std::string_view();
    }

private:
    Record* record_ = nullptr;
    SessionSide* side_ = nullptr;
    Slot slot_ = none;
};

}  // namespace session
