#include "libudpserver/process/links.hpp"

#include <algorithm>
#include <cassert>
#include <span>
#include <system_error>
#include <utility>

#include "base/log.hpp"
#include "base/pass_rights.hpp"
#include "libudpserver/ipc/messages.hpp"

namespace process {

namespace log = base::log;
namespace msg = base::msg;

namespace {

bool is_up(const Child* child) {
    return child && child->status().state == ChildState::up;
}

/// False if it is to be retried. A child whose own link is closed is not: it restarts, and its next process
/// will be ready.
bool give_end(Child& child, const Child& peer, const base::UniqueFd& end) {
    const int descriptor = end.get();
    const auto result = child.send(ipc::PeerLink{peer.role().party}, 0, std::span(&descriptor, 1));
    if (result == ipc::SendResult::busy)
        log::write(msg::link_busy, "{}: queue full, a new link to {} was not sent; retrying",
                   child.role().name, peer.role().name);
    return result != ipc::SendResult::busy;
}

/// False if it is to be retried. Both ends are closed here on return.
bool connect(Child& a, Child& b) {
    try {
        const auto [end_a, end_b] = ipc::link_pair();
        for (const int end : {end_a.get(), end_b.get()})
            base::refuse_descriptors(end);  // only the parent passes any
        if (!give_end(a, b, end_a) || !give_end(b, a, end_b)) return false;
        log::write(msg::debug, "{} and {}: a new link", a.role().name, b.role().name);
        return true;
    } catch (const std::system_error& error) {
        log::write(msg::link_failed, "{} and {}: cannot be linked: {}; retrying", a.role().name,
                   b.role().name, error.what());
        return false;
    }
}

}  // namespace

void Links::add(ipc::Party a, ipc::Party b) {
    assert(a != b && a != ipc::Party::parent && b != ipc::Party::parent);
    const bool known =
        std::ranges::any_of(pairs_, [&](const Pair& pair) { return pair.is(a, b) || pair.is(b, a); });
    if (known) return;
    make(pairs_.emplace_back(Pair{a, b}));
}

void Links::ready(ipc::Party party) {
    for (Pair& pair : pairs_)
        if (pair.failed || pair.a == party || pair.b == party) make(pair);
}

void Links::lost(ipc::Party a, ipc::Party b) {
    for (Pair& pair : pairs_) {
        if (!pair.is(a, b) && !pair.is(b, a)) continue;
        pair.failed = true;
        retry_later();
    }
}

// If one of them is not up, ready() will call this again.
void Links::make(Pair& pair) {
    Child* const a = find_(pair.a);
    Child* const b = find_(pair.b);
    pair.failed = is_up(a) && is_up(b) && !connect(*a, *b);
    if (pair.failed) retry_later();
}

// A running timer is not reset, or frequent failures of one pair would delay the others.
void Links::retry_later() {
    if (std::exchange(retrying_, true)) return;
    timer_.expires_after(retry_delay_);
    timer_.async_wait([this](boost::system::error_code error) {
        retrying_ = false;
        if (!error) retry();
    });
}

void Links::retry() {
    for (Pair& pair : pairs_)
        if (pair.failed) make(pair);
}

}  // namespace process
