#include "proxyd/commands/child_queries.hpp"

#include <fmt/core.h>

#include <utility>

#include "base/text.hpp"
#include "libudpserver/control/answer_line.hpp"

namespace proxyd {

using control::Code;

namespace {

/// A long answer yields the CPU to forwarding between its pieces: 10,000 sessions take half a second.
constexpr std::chrono::microseconds piece_delay{500};
constexpr std::chrono::milliseconds restart_check_interval{5};

bool is_restarting(process::ChildState state) {
    return state == process::ChildState::replacing || state == process::ChildState::starting;
}

}  // namespace

/// A request of a client that is forwarded to a child.
struct ChildQueries::Question {
    ipc::Party party;
    ipc::Query query;
    control::Answer answer;
    std::function<void()> done;
    boost::asio::steady_timer timer;
    base::Instant deadline;  ///< for a child that restarts
    pid_t pid = -1;          ///< that answers: another process could not continue its answer
    std::uint32_t id = 0;    ///< of the pending request to the child

    [[nodiscard]] std::string_view role() const { return ipc::to_string(party); }
};

ChildQueries::ChildQueries(boost::asio::io_context& io, process::Supervisor& supervisor,
                           base::Duration timeout)
    : io_(io), supervisor_(supervisor), timeout_(timeout), requests_(ipc::party_count, ipc::Requests(io)) {
    supervisor_.on(ipc::MessageType::query_result, [this](process::Child& child, ipc::Message& message) {
        requests(child.role().party).answer(message);
    });
    supervisor_.on_child_exit([this](process::Child& child) { requests(child.role().party).fail_all(); });
}

control::ControlServer::Handler ChildQueries::to(ipc::Party party) {
    return [this, party](const control::Request& request, control::Answer answer) {
        ask(party, request, std::move(answer));
    };
}

void ChildQueries::ask(ipc::Party party, const control::Request& request, control::Answer answer,
                       std::function<void()> done) {
    std::string text = request.line();
    if (text.size() > ipc::max_query_text)
        return answer.fail(Code::usage,
                           fmt::format("this request may have at most {} bytes", ipc::max_query_text));
    next(std::make_shared<Question>(Question{party, ipc::Query{0, std::move(text)}, std::move(answer),
                                             std::move(done), boost::asio::steady_timer(io_),
                                             base::MonotonicClock::now() + timeout_}));
}

void ChildQueries::next(const QuestionPtr& question) {
    control::Answer& answer = question->answer;
    if (!answer.open()) return;
    process::Child* const child = supervisor_.find(question->party);
    if (!child) return answer.fail(Code::gone, fmt::format("this proxy has no {}", question->role()));
    const process::ChildState state = child->status().state;
    if (is_restarting(state) && question->pid == -1 && base::MonotonicClock::now() < question->deadline)
        return next_later(question, restart_check_interval);
    if (state != process::ChildState::up)
        return answer.fail(Code::gone,
                           fmt::format("{} is {}; retry later", question->role(), to_string(state)));
    const pid_t before = std::exchange(question->pid, child->status().pid);
    if (before != -1 && before != question->pid)
        return answer.fail(Code::gone, fmt::format("{} restarted while answering; retry", question->role()));

    const std::uint32_t id = requests(question->party).add([this, question](ipc::Message* message) {
        on_answer(question, message);
    });
    const auto result = child->send(question->query, id);
    if (result == ipc::SendResult::sent || result == ipc::SendResult::queued)
        return wait_for_answer(question, id);
    requests(question->party).forget(id);
    if (result == ipc::SendResult::busy)
        answer.fail(Code::busy, fmt::format("{} is busy; retry later", question->role()));
    else
        answer.fail(Code::gone, fmt::format("{} is not reachable; retry", question->role()));
}

void ChildQueries::next_later(const QuestionPtr& question, std::chrono::microseconds pause) {
    question->timer.expires_after(pause);
    question->timer.async_wait([this, question](boost::system::error_code error) {
        if (!error) next(question);
    });
}

void ChildQueries::wait_for_answer(const QuestionPtr& question, std::uint32_t id) {
    question->id = id;
    question->timer.expires_after(timeout_);
    question->timer.async_wait([this, id, weak = std::weak_ptr(question)](boost::system::error_code error) {
        const auto asked = weak.lock();
        // A timer that expired just before its cancellation reports no error.
        if (error || !asked || asked->id != id) return;
        requests(asked->party).forget(id);
        asked->answer.fail(Code::gone, fmt::format("{} did not answer within {}", asked->role(),
                                                   base::format_duration(timeout_)));
    });
}

void ChildQueries::on_answer(const QuestionPtr& question, ipc::Message* message) {
    question->id = 0;
    question->timer.cancel();
    if (!message)
        return question->answer.fail(Code::gone,
                                     fmt::format("{} exited while answering; retry", question->role()));
    const auto piece = ipc::read<ipc::QueryResult>(*message);
    if (piece && (piece->next == 0 || piece->next != question->query.cursor))
        return on_piece(question, *piece);
    process::Child* const child = supervisor_.find(question->party);
    if (child && child->link()) child->link()->refuse("malformed query-result");
    question->answer.fail(Code::failed, fmt::format("malformed reply from {}", question->role()));
}

void ChildQueries::on_piece(const QuestionPtr& question, const ipc::QueryResult& piece) {
    control::Answer& answer = question->answer;
    if (control::begins_with_error(piece.text))
        return answer.end_with(piece.text.substr(0, piece.text.find('\n')));
    if (!answer.lines(piece.text)) return;
    if (piece.next != 0) {
        question->query.cursor = piece.next;
        return answer.on_writable([this, question] { next_later(question, piece_delay); });
    }
    question->done ? question->done() : answer.end();
}

}  // namespace proxyd
