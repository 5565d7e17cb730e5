#include "resolvers/ipc_resolver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "base/log.hpp"
#include "libudpserver/ipc/messages.hpp"

namespace resolvers {
namespace {

using base::now;

// APR's answer, reduced to what can answer this question.
Answer answer_to(const Question& question, Answer answer) {
    if (answer.status != Answer::ok || question.is_reverse()) answer.addresses.clear();
    if (answer.status != Answer::ok || !question.is_reverse()) answer.names.clear();
    if (answer.status == Answer::ok && answer.addresses.empty() && answer.names.empty())
        return failure(Answer::server_failure, "APR sent an empty answer");
    return answer;
}

}  // namespace

IpcResolver::~IpcResolver() {
    for (auto& [id, pending] : pending_)
        post(std::move(pending.callback), failure(Answer::cancelled, "the resolver was stopped"));
}

void IpcResolver::link(base::UniqueFd socket) {
    if (channel_) forget_link();
    channel_ = std::make_unique<ipc::Channel>(io_, std::move(socket), ipc::Party::reg, ipc::Party::apr);
    channel_->on_message([this](ipc::Message& message) { on_message(message); });
    channel_->on_closed([this](const std::string&) {
        forget_link();
        if (on_lost_) on_lost_();
    });
    send_waiting();
}

void IpcResolver::ask(Question question, Callback callback) {
    ++asked_;
    if (pending_.size() >= max_pending) {
        auto text = fmt::format("{} look-ups are pending", pending_.size());
        base::log::write(base::msg::lookup_busy, "look-up refused: {}", text);
        return post(std::move(callback), failure(Answer::busy, std::move(text)));
    }
    // The link would refuse these.
    if (question.is_reverse() ? question.address.family == base::Family::none
                              : question.name.size() > ipc::max_text)
        return post(std::move(callback), failure(Answer::bad_name, "not a valid host name"));
    const bool own = question.timeout > base::Duration::zero();
    const auto deadline = now() + (own ? question.timeout : timeout_ + margin);
    if (!own) question.timeout = timeout_;
    const std::uint32_t id = new_id();
    pending_.emplace(
        id, Pending{std::move(question), std::move(callback), deadline, boost::asio::steady_timer(io_)});
    start_deadline(id);
    unsent_.insert(id);
    // In order, after those that wait already.
    if (unsent_.size() == 1) send_waiting();
}

std::uint32_t IpcResolver::new_id() {
    do {
        ++last_id_;
    } while (last_id_ == 0 || pending_.contains(last_id_));
    return last_id_;
}

void IpcResolver::start_deadline(std::uint32_t id) {
    Pending& pending = pending_.at(id);
    pending.timer.expires_after(pending.deadline - now());
    pending.timer.async_wait(pending.alive.guard([this, id](const boost::system::error_code&) {
        fail(id, Answer::timed_out, unsent_.contains(id) ? "no link to APR" : "APR did not answer");
    }));
}

void IpcResolver::send_waiting() {
    while (channel_ && !unsent_.empty()) {
        const std::uint32_t id = *unsent_.begin();
        const auto result = send(id, pending_.at(id));
        if (result == ipc::SendResult::closed) return;
        if (result == ipc::SendResult::busy) {
            retry_.expires_after(retry_delay);
            retry_.async_wait(alive_.guard([this](const boost::system::error_code& error) {
                if (!error) send_waiting();
            }));
            return;
        }
        unsent_.erase(id);
        if (result == ipc::SendResult::refused) fail(id, Answer::bad_name, "cannot be sent to APR");
    }
}

// With the rest of its time, since the question may have waited.
ipc::SendResult IpcResolver::send(std::uint32_t id, const Pending& pending) {
    ipc::LookupRequest request{pending.question};
    request.timeout = std::clamp(pending.deadline - now(), base::Duration(1), pending.question.timeout);
    return channel_->send(request, id);
}

void IpcResolver::on_message(ipc::Message& message) {
    auto reply = ipc::read<ipc::LookupReply>(message);
    if (!reply) return channel_->refuse("malformed looked-up");
    const auto found = pending_.find(message.id);
    if (found == pending_.end() || unsent_.contains(message.id)) {
        ++unknown_;
        base::log::write(base::msg::answer_unknown, "looked-up with unknown id {}", message.id);
        return;
    }
    finish(found, answer_to(found->second.question, std::move(*reply)));
}

// Questions that were sent are sent again over the next link, once; their deadlines stay.
void IpcResolver::forget_link() {
    channel_.reset();
    retry_.cancel();
    for (auto at = pending_.begin(); at != pending_.end();) {
        const auto pending = at++;
        if (unsent_.contains(pending->first)) continue;
        if (pending->second.resent) {
            finish(pending, failure(Answer::server_failure, "APR exited twice"));
            continue;
        }
        pending->second.resent = true;
        ++asked_again_;
        unsent_.insert(pending->first);
    }
}

void IpcResolver::fail(std::uint32_t id, Answer::Status status, std::string detail) {
    finish(pending_.find(id), failure(status, std::move(detail)));
}

void IpcResolver::finish(Pendings::iterator pending, Answer answer) {
    unsent_.erase(pending->first);
    post(std::move(pending->second.callback), std::move(answer));
    pending_.erase(pending);
}

void IpcResolver::post(Callback callback, Answer answer) {
    ++outcomes_.at(answer.status);
    boost::asio::post(io_,
                      [callback = std::move(callback), answer = std::move(answer)] { callback(answer); });
}

std::string IpcResolver::info() const {
    std::string text =
        fmt::format("look-ups asked {}, pending {}, unsent {}, asked again {}, unknown answers {}, {}",
                    asked_, pending_.size(), unsent_.size(), asked_again_, unknown_,
                    linked() ? "linked to APR" : "no link to APR");
    for (std::size_t status = 0; status < outcomes_.size(); ++status)
        if (outcomes_[status] != 0)
            text += fmt::format(", {} {}", to_string(static_cast<Answer::Status>(status)), outcomes_[status]);
    return text;
}

}  // namespace resolvers
