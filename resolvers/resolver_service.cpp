#include "resolvers/resolver_service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/log.hpp"
#include "libudpserver/ipc/messages.hpp"

namespace resolvers {
namespace {

// Nobody believes an answer for longer, and what is too long for the link would close it.
constexpr base::Duration longest_ttl = std::chrono::hours(24 * 30);

Question question_of(const ipc::LookUp& look_up) {
    Question question;
    question.name = look_up.name;
    question.address = look_up.address;
    question.timeout = look_up.timeout;
    if (look_up.name.empty()) question.kind = Question::names_of_address;
    return question;
}

ipc::LookedUp packed(const Answer& answer) {
    return {static_cast<std::uint8_t>(answer.status), answer.addresses, answer.names,
            std::clamp(answer.ttl, base::Duration::zero(), longest_ttl), answer.detail};
}

// The whole answer or none: not a part of its list.
bool fits(const ipc::LookedUp& looked_up) {
    ipc::Encoder body;
    looked_up.encode(body);
    const bool names_fit = std::all_of(looked_up.names.begin(), looked_up.names.end(),
                                       [](const std::string& name) { return name.size() <= ipc::max_text; });
    return body.ok() && names_fit && looked_up.addresses.size() <= ipc::max_results &&
           looked_up.names.size() <= ipc::max_results;
}

Answer failure(Answer::Status status, std::string detail, base::Duration ttl) {
    Answer answer;
    answer.status = status;
    answer.detail = std::move(detail);
    answer.ttl = ttl;
    return answer;
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
    const auto look_up = ipc::read<ipc::LookUp>(message);
    if (!look_up || message.id == 0) return channel_->refuse("a malformed look-up");
    if (pending_ >= limit_) {
        const auto text = fmt::format("{} look-ups wait", pending_);
        base::log::write(base::msg::lookup_busy, "look-up refused: {}", text);
        return send(message.id, failure(Answer::busy, text, std::chrono::seconds(1)));
    }
    ++pending_;
    resolver_.ask(question_of(*look_up),
                  lifetime_.guard([this, link = link_, id = message.id](const Answer& answer) {
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
    auto looked_up = packed(answer);
    if (!fits(looked_up))
        looked_up = packed(failure(Answer::server_failure,
                                   fmt::format("too long an answer: {} addresses, {} names",
                                               answer.addresses.size(), answer.names.size()),
                                   answer.ttl));
    ++answered_.at(looked_up.status);
    const auto result = channel_->send(looked_up, id);
    if (result == ipc::SendResult::sent || result == ipc::SendResult::queued) return;
    ++lost_;  // the asker's own time-out ends the wait
    if (result == ipc::SendResult::busy)
        base::log::write(base::msg::link_busy, "link APR -> REG: looked-up: {} wait", channel_->queued());
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
