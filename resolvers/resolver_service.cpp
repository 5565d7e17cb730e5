#include "resolvers/resolver_service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/log.hpp"
#include "libudpserver/ipc/messages.hpp"

namespace resolvers {
namespace {

// A duration that the link refuses would close it.
constexpr base::Duration max_ttl = std::chrono::hours(24 * 30);

// The complete answer or a failure, never a part of its list.
bool fits(const ipc::LookupReply& reply) {
    ipc::Encoder body;
    reply.encode(body);
    const bool names_fit = std::ranges::all_of(
        reply.names, [](const std::string& name) { return name.size() <= ipc::max_text; });
    return body.ok() && names_fit && reply.addresses.size() <= ipc::max_results &&
           reply.names.size() <= ipc::max_results;
}

}  // namespace

void ResolverService::link(base::UniqueFd socket) {
    forget_link();
    channel_ = std::make_unique<ipc::Channel>(io_, std::move(socket), ipc::Party::apr, ipc::Party::reg);
    channel_->on_message([this](ipc::Message& message) { on_message(message); });
    channel_->on_closed([this](const std::string&) { forget_link(); });
}

void ResolverService::forget_link() {
    channel_.reset();
    ++link_;
    pending_ = 0;
}

void ResolverService::on_message(ipc::Message& message) {
    const auto request = ipc::read<ipc::LookupRequest>(message);
    if (!request || message.id == 0) return channel_->refuse("malformed look-up");
    if (pending_ >= limit_) {
        const auto text = fmt::format("{} look-ups are pending", pending_);
        base::log::write(base::msg::lookup_busy, "look-up refused: {}", text);
        return send(message.id, failure(Answer::busy, text));
    }
    ++pending_;
    resolver_.ask(*request, alive_.guard([this, link = link_, id = message.id](const Answer& answer) {
        on_answer(link, id, answer);
    }));
}

void ResolverService::on_answer(std::uint64_t link, std::uint32_t id, const Answer& answer) {
    if (link != link_) {
        ++lost_;
        return;
    }
    --pending_;
    send(id, answer);
}

void ResolverService::send(std::uint32_t id, const Answer& answer) {
    ipc::LookupReply reply{answer};
    reply.ttl = std::clamp(answer.ttl, base::Duration::zero(), max_ttl);
    if (!fits(reply))
        reply = {failure(Answer::server_failure,
                         fmt::format("answer too long: {} addresses, {} names", answer.addresses.size(),
                                     answer.names.size()),
                         reply.ttl)};
    ++answered_.at(reply.status);
    const auto result = channel_->send(reply, id);
    if (result == ipc::SendResult::sent || result == ipc::SendResult::queued) return;
    ++lost_;  // the caller's own time-out ends its wait
    if (result == ipc::SendResult::busy)
        base::log::write(base::msg::link_busy, "link APR -> REG: looked-up: {} queued", channel_->queued());
}

std::string ResolverService::info() const {
    const auto answered = std::accumulate(answered_.begin(), answered_.end(), std::uint64_t{0});
    std::string text = fmt::format("look-ups pending {}, answered {}, lost {}, {}", pending_, answered, lost_,
                                   linked() ? "linked to REG" : "no link to REG");
    for (std::size_t status = 0; status < answered_.size(); ++status)
        if (answered_[status] != 0)
            text += fmt::format(", {} {}", to_string(static_cast<Answer::Status>(status)), answered_[status]);
    return text;
}

}  // namespace resolvers
