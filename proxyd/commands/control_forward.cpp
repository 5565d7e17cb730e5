#include "proxyd/commands/control_forward.hpp"

#include <fmt/core.h>

#include <utility>

#include "base/text.hpp"
#include "libudpserver/control/answer_line.hpp"

namespace proxyd {

using control::Code;

namespace {

/// A long answer leaves the processors to who forwards, again and again: 10,000 sessions take half a second.
constexpr std::chrono::microseconds between_pieces{500};
constexpr std::chrono::milliseconds between_looks{5};

/// After a reload, say: the next process is there in no time.
bool comes_soon(process::ChildState state) {
    return state == process::ChildState::replacing || state == process::ChildState::starting;
}

}  // namespace

/// A request of a client on its way to a child, and what came back so far.
struct ControlForward::Question {
    ipc::Party party;
    ipc::Query query;
    control::Answer answer;
    std::function<void()> done;
    boost::asio::steady_timer timer;
    base::Instant give_up_at;  ///< waiting for a child that is being replaced
    pid_t pid = -1;            ///< who answers: a successor would go on somewhere else
    std::uint32_t id = 0;      ///< that an answer is awaited for

    [[nodiscard]] std::string_view who() const { return ipc::to_string(party); }
};

ControlForward::ControlForward(boost::asio::io_context& io, process::Supervisor& supervisor,
                               base::Duration patience)
    : io_(io), supervisor_(supervisor), patience_(patience), requests_(ipc::party_count, ipc::Requests(io)) {
    supervisor_.on(ipc::MessageType::query_result, [this](process::Child& child, ipc::Message& message) {
        requests(child.role().party).answer(message);
    });
    supervisor_.on_child_gone([this](process::Child& child) { requests(child.role().party).fail_all(); });
}

control::ControlServer::Handler ControlForward::to(ipc::Party party) {
    return [this, party](const control::Request& request, control::Answer answer) {
        ask(party, request, std::move(answer));
    };
}

void ControlForward::ask(ipc::Party party, const control::Request& request, control::Answer answer,
                         std::function<void()> done) {
    std::string text = request.line();
    if (text.size() > ipc::max_query_text)
        return answer.fail(Code::usage,
                           fmt::format("this request may have at most {} bytes", ipc::max_query_text));
    next(std::make_shared<Question>(Question{party, ipc::Query{0, std::move(text)}, std::move(answer),
                                             std::move(done), boost::asio::steady_timer(io_),
                                             base::MonotonicClock::now() + patience_}));
}

void ControlForward::next(const QuestionPtr& question) {
    control::Answer& answer = question->answer;
    if (!answer.open()) return;
    process::Child* const child = supervisor_.find(question->party);
    if (!child) return answer.fail(Code::gone, fmt::format("this proxy has no {}", question->who()));
    const process::ChildState state = child->status().state;
    if (comes_soon(state) && question->pid == -1 && base::MonotonicClock::now() < question->give_up_at)
        return next_later(question, between_looks);
    if (state != process::ChildState::up)
        return answer.fail(Code::gone,
                           fmt::format("{} is {} just now; ask again", question->who(), to_string(state)));
    const pid_t before = std::exchange(question->pid, child->status().pid);
    if (before != -1 && before != question->pid)
        return answer.fail(Code::gone,
                           fmt::format("{} was replaced while it answered; ask again", question->who()));

    const std::uint32_t id = requests(question->party).add([this, question](ipc::Message* message) {
        on_answer(question, message);
    });
    const auto result = child->send(question->query, id);
    if (result == ipc::SendResult::sent || result == ipc::SendResult::queued)
        return wait_for_answer(question, id);
    requests(question->party).forget(id);
    if (result == ipc::SendResult::busy)
        answer.fail(Code::busy, fmt::format("{} has too much to do; ask again later", question->who()));
    else
        answer.fail(Code::gone, fmt::format("{} cannot be asked; ask again", question->who()));
}

void ControlForward::next_later(const QuestionPtr& question, std::chrono::microseconds pause) {
    question->timer.expires_after(pause);
    question->timer.async_wait([this, question](boost::system::error_code error) {
        if (!error) next(question);
    });
}

void ControlForward::wait_for_answer(const QuestionPtr& question, std::uint32_t id) {
    question->id = id;
    question->timer.expires_after(patience_);
    question->timer.async_wait([this, id, weak = std::weak_ptr(question)](boost::system::error_code error) {
        const auto asked = weak.lock();
        // A timer that went off just before it was cancelled comes without an error.
        if (error || !asked || asked->id != id) return;
        requests(asked->party).forget(id);
        asked->answer.fail(Code::gone, fmt::format("{} did not answer within {}", asked->who(),
                                                   base::format_duration(patience_)));
    });
}

void ControlForward::on_answer(const QuestionPtr& question, ipc::Message* message) {
    question->id = 0;
    question->timer.cancel();
    if (!message)
        return question->answer.fail(
            Code::gone, fmt::format("{} died while it was asked; ask its successor", question->who()));
    const auto piece = ipc::read<ipc::QueryResult>(*message);
    if (piece && (piece->next == 0 || piece->next != question->query.cursor))
        return on_piece(question, *piece);
    process::Child* const child = supervisor_.find(question->party);
    if (child && child->link()) child->link()->refuse("a malformed query-result");
    question->answer.fail(Code::failed, fmt::format("{} answered nonsense", question->who()));
}

void ControlForward::on_piece(const QuestionPtr& question, const ipc::QueryResult& piece) {
    control::Answer& answer = question->answer;
    if (control::begins_with_error(piece.text))
        return answer.end_with(piece.text.substr(0, piece.text.find('\n')));
    if (!answer.lines(piece.text)) return;
    if (piece.next != 0) {
        question->query.cursor = piece.next;
        return answer.on_writable([this, question] { next_later(question, between_pieces); });
    }
    question->done ? question->done() : answer.end();
}

}  // namespace proxyd
