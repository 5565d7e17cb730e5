#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/endpoint.hpp"
#include "conf/config.hpp"
#include "libudpserver/net/datagram.hpp"

namespace session {

/// Limits what a worker keeps of datagrams that wait for names: its share of `resolver.hold`, rounded up.
class HoldBudget {
public:
    HoldBudget(const conf::Hold& hold, unsigned workers);
    ~HoldBudget() { assert(used_ == 0); }  // a queue that outlives its budget writes to freed memory
    HoldBudget(const HoldBudget&) = delete;
    HoldBudget& operator=(const HoldBudget&) = delete;

    [[nodiscard]] std::size_t datagrams() const { return datagrams_; }  ///< of one queue
    [[nodiscard]] std::size_t bytes() const { return bytes_; }          ///< of one queue, payload
    [[nodiscard]] std::size_t sessions() const { return sessions_; }    ///< that may wait at the same time

    /// False, and nothing is taken, when fewer bytes are left.
    bool take(std::size_t bytes);
    void give(std::size_t bytes) { used_ -= bytes; }
    [[nodiscard]] std::size_t used() const { return used_; }
    [[nodiscard]] std::size_t memory() const { return memory_; }

private:
    std::size_t datagrams_, bytes_, sessions_, memory_;
    std::size_t used_ = 0;
};

/// Copies of the datagrams of a client that waits, in their order (K-58): limited in number and bytes, and
/// together with all other queues of the worker by the budget, which outlives it.
class HoldQueue {
public:
    struct Held {
        std::size_t listener = 0;
        base::Endpoint from, local;
        std::uint8_t tos = 0;
        std::vector<std::byte> payload;
        std::size_t room = 0;  ///< bytes of payload as received: a proxy may have cut it since
        bool is_broadcast = false;

        /// A view of `payload`.
        [[nodiscard]] net::Datagram datagram();
    };

    explicit HoldQueue(HoldBudget& budget) : budget_(&budget) {}
    ~HoldQueue() { clear(); }
    HoldQueue(HoldQueue&& other) noexcept;
    HoldQueue& operator=(HoldQueue&&) = delete;

    /// False when there is no room.
    bool push(std::size_t listener, const net::Datagram& datagram);
    [[nodiscard]] bool empty() const { return held_.empty(); }
    [[nodiscard]] std::size_t size() const { return held_.size(); }
    /// Bytes taken from the budget.
    [[nodiscard]] std::size_t cost() const { return cost_; }
    /// The oldest; there must be one.
    [[nodiscard]] Held& front() { return held_.front(); }
    Held pop();
    void clear();

private:
    static std::size_t cost(std::size_t payload);

    HoldBudget* budget_;
    std::deque<Held> held_;
    std::size_t bytes_ = 0;  ///< payload, as received
    std::size_t cost_ = 0;   ///< what was taken from the budget
};

}  // namespace session
